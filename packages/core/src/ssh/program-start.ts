import type { Clock } from '../base/clock.js'
import { defer } from '../base/deferred.js'
import { KrownError } from '../errors/krown-error.js'
import type { ChannelSink, ProgramOptions } from './connector.js'
import { sessionLost, targetTimeout } from './error-mapping.js'
import { type ChannelHost, SessionChannel } from './ssh2-channel.js'
import {
  openSessionChannel,
  requestProgram,
  requestTerminal,
  type Ssh2Channel,
  sendEnvironment,
  takesPackets,
} from './ssh2-internals.js'

export interface ProgramRequest extends ProgramOptions {
  /** Null for the login shell. */
  readonly command: string | null
  readonly sink: ChannelSink
}

/** What starting a program needs of the connection. */
export interface ProgramHost extends ChannelHost {
  readonly clock: Clock
  readonly closedBecause: KrownError | null
  onChannelStart(channel: SessionChannel): void
  /** Breaks the connection: the target broke the protocol. */
  onProtocolViolation(reason: string): void
}

const TIMEOUT_MS = 10_000

/**
 * Opens a session channel, asks for a terminal in it if one is wanted, and then to run the program.
 *
 * The request itself is the line: until it is sent, whatever goes wrong rejects, and nothing can have run. From then
 * on only the target's refusal rejects; anything else gives a channel, which ends with the error.
 */
export class ProgramStart {
  readonly #host: ProgramHost
  readonly #request: ProgramRequest
  readonly #started = defer<SessionChannel>()
  readonly #cancelTimer: () => void
  #channel: SessionChannel | null = null
  /** Open, and nothing runs in it yet. */
  #waiting: Ssh2Channel | null = null
  #settled = false

  constructor(host: ProgramHost, request: ProgramRequest) {
    this.#host = host
    this.#request = request
    this.#cancelTimer = host.clock.setTimer(TIMEOUT_MS, () => this.#onTimeout())
  }

  run(): Promise<SessionChannel> {
    this.#request.signal?.addEventListener('abort', this.#onAbort, { once: true })
    openSessionChannel(this.#host.internals, (error, channel) => this.#onOpened(error, channel))
    return this.#started.promise
  }

  #onOpened(error: Error | undefined, stream: Ssh2Channel): void {
    if (error) this.#reject(notOpened(error, this.#host.closedBecause))
    else if (this.#settled) stream.close()
    else if (!takesPackets(stream)) this.#onTinyPackets()
    else this.#prepare(stream)
  }

  #prepare(stream: Ssh2Channel): void {
    const { internals } = this.#host
    const { env, terminal } = this.#request
    if (env) sendEnvironment(internals, stream, env)
    if (terminal) {
      this.#waiting = stream
      const answered = (failed: boolean) => (failed ? this.#onNoTerminal() : this.#send(stream))
      requestTerminal(internals, stream, { terminal, answered })
    } else this.#send(stream)
  }

  #onNoTerminal(): void {
    const { closedBecause } = this.#host
    this.#reject(closedBecause ? sessionLost(closedBecause) : channelRefused('the target refused a terminal'))
  }

  #send(stream: Ssh2Channel): void {
    // Given up while the target made a terminal.
    if (this.#settled) return
    this.#waiting = null
    // The caller takes over here: a command that may run is ended by signals, not by forgetting it.
    this.#request.signal?.removeEventListener('abort', this.#onAbort)
    const channel = new SessionChannel(stream, this.#host)
    this.#channel = channel
    this.#host.onChannelStart(channel)
    const answered = (failed: boolean) => this.#onAnswer(channel, stream, failed)
    requestProgram(this.#host.internals, stream, { command: this.#request.command, answered })
  }

  #onAnswer(channel: SessionChannel, stream: Ssh2Channel, failed: boolean): void {
    // ssh2 also says «failed» when the channel ended without an answer, and then the command may have run.
    const refused = failed && stream.incoming.state !== 'closed'
    if (refused) this.#onRefused(channel)
    else this.#resolve(channel, () => channel.start(this.#request.sink))
  }

  #onRefused(channel: SessionChannel): void {
    channel.close()
    this.#host.onChannelEnd(channel)
    const what = this.#request.command === null ? 'a shell' : 'a command'
    this.#reject(channelRefused(`the target refused to run ${what}`))
  }

  #onTimeout(): void {
    const error = targetTimeout('channel')
    const channel = this.#channel
    if (channel) this.#resolve(channel, () => channel.abandon(this.#request.sink, error))
    else this.#reject(error)
  }

  #onTinyPackets(): void {
    this.#host.onProtocolViolation('packet_size')
    this.#reject(sessionLost(this.#host.closedBecause))
  }

  readonly #onAbort = (): void => this.#reject(this.#request.signal?.reason)

  /** The sink hears nothing before the caller has the channel: both wait for one microtask, in this order. */
  #resolve(channel: SessionChannel, deliver: () => void): void {
    if (!this.#settle()) return
    this.#started.resolve(channel)
    queueMicrotask(deliver)
  }

  #reject(reason: unknown): void {
    if (!this.#settle()) return
    this.#waiting?.close()
    this.#started.reject(reason)
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#cancelTimer()
    this.#request.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}

/** ssh2 puts the number of RFC 4254 §5.1 on its error, and nothing when the target just closed the channel. */
function notOpened(error: Error & { reason?: unknown }, closedBecause: KrownError | null): KrownError {
  if (closedBecause) return sessionLost(closedBecause)
  const { reason } = error
  return channelRefused('the target refused to open a channel', typeof reason === 'number' ? { reason } : {})
}

function channelRefused(message: string, details: { reason?: number } = {}): KrownError {
  return new KrownError('TARGET_CHANNEL_REFUSED', message, { details: { phase: 'channel', ...details } })
}
