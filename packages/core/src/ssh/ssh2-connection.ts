import type { Socket } from 'node:net'
import type { Client } from 'ssh2'
import type { Clock } from '../base/clock.js'
import { type Deferred, defer } from '../base/deferred.js'
import { KrownError } from '../errors/krown-error.js'
import type { ChannelSink, PresentedHostKey, SshChannel, SshConnection } from './connector.js'
import { mapClosed, mapLibraryError, protocolError, sessionLost } from './error-mapping.js'
import { type ExecHost, ExecStart } from './exec-start.js'
import type { Handshaken } from './handshake.js'
import type { KeepalivePeer } from './keepalive-sweep.js'
import type { SessionChannel } from './ssh2-channel.js'
import { type Ssh2Internals, sendKeepalive } from './ssh2-internals.js'
import { refuseUnsolicited } from './unsolicited-messages.js'
import { watchWindows } from './window-watchdog.js'

/** Shared by all connections of a connector. */
export interface ConnectionOptions {
  readonly clock: Clock
  readonly maxUnreadBytes: number
  onClosed(connection: Ssh2Connection): void
}

// A target that reads at all takes a goodbye in this time.
const CLOSE_GRACE_MS = 1_000
// Between two sweeps, which are seconds apart. A talkative sshd sends one or two.
const MAX_UNSOLICITED = 1_000
// A key exchange costs a millisecond of CPU; ten a second are allowed.
const REKEY_WEIGHT = 20
// Above this a writer waits; twice this and more is a target that asks without reading the answers.
const MAX_UNSENT_BYTES = 1024 * 1024
const MAX_UNREAD_ANSWER_BYTES = 8 * MAX_UNSENT_BYTES

/** An authenticated connection. Idle, it is nothing but this object, its socket and its ssh2 client. */
export class Ssh2Connection implements SshConnection, ExecHost, KeepalivePeer {
  readonly hostKey: PresentedHostKey
  readonly internals: Ssh2Internals
  readonly #client: Client
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #closed: Deferred<KrownError> = defer()
  #closedBecause: KrownError | null = null
  #channels: Set<SessionChannel> | null = null
  #unsolicited = 0
  #drain: Deferred<void> | null = null

  constructor({ client, socket, internals, hostKey }: Handshaken, options: ConnectionOptions) {
    this.hostKey = hostKey
    this.internals = internals
    this.#client = client
    this.#socket = socket
    this.#options = options
    client.on('error', (error) => this.#break(mapLibraryError('session', error)))
    client.on('end', () => this.#break(mapClosed('session')))
    client.on('close', () => this.#onClosed())
    watchWindows(internals, { maxUnreadBytes: options.maxUnreadBytes, onViolation: this.#onWindowViolation })
    refuseUnsolicited(internals, () => this.#countUnsolicited(1))
    client.on('handshake', () => this.#countUnsolicited(REKEY_WEIGHT))
  }

  get closedBecause(): KrownError | null {
    return this.#closedBecause
  }

  get closed(): Promise<KrownError> {
    return this.#closed.promise
  }

  get clock(): Clock {
    return this.#options.clock
  }

  get bytesRead(): number {
    return this.#socket.bytesRead
  }

  // Not async: the caller's turn comes right after the answer, and before the sink's.
  exec(
    command: string,
    sink: ChannelSink,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<SshChannel> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#closedBecause) return Promise.reject(sessionLost(this.#closedBecause))
    return new ExecStart(this, { command, sink, signal }).run()
  }

  async close(reason: KrownError): Promise<void> {
    if (!this.#closedBecause) this.#sayGoodbye(reason)
    const cancelTimer = this.#options.clock.setTimer(CLOSE_GRACE_MS, () => this.#socket.destroy())
    await this.#closed.promise
    cancelTimer()
  }

  async drained(): Promise<void> {
    if (this.#closedBecause || this.#socket.writableLength < MAX_UNSENT_BYTES) return
    this.#drain ??= this.#waitForDrain()
    await this.#drain.promise
  }

  onChannelStart(channel: SessionChannel): void {
    this.#channels ??= new Set()
    this.#channels.add(channel)
  }

  onChannelEnd(channel: SessionChannel): void {
    this.#channels?.delete(channel)
  }

  onSinkFailure(error: unknown): void {
    this.#break(new KrownError('INTERNAL', 'internal error', { cause: error }))
  }

  onProtocolViolation(reason: string): void {
    this.#break(protocolError(reason, 'the target broke the SSH protocol'))
  }

  onSweep(): void {
    this.#unsolicited = 0
  }

  askForLife(): void {
    if (!this.#closedBecause) sendKeepalive(this.internals)
  }

  declareLost(): void {
    const details = { reason: 'keepalive_timeout' }
    this.#break(new KrownError('SESSION_LOST', 'the target no longer answers', { details }))
  }

  readonly #onWindowViolation = (): void => {
    this.#break(protocolError('window_violation', 'the target sent more than the flow window allows'))
  }

  #countUnsolicited(weight: number): void {
    this.#unsolicited += weight
    const unread = this.#socket.writableLength > MAX_UNREAD_ANSWER_BYTES
    if (unread || this.#unsolicited > MAX_UNSOLICITED) this.onProtocolViolation('unsolicited_flood')
  }

  #waitForDrain(): Deferred<void> {
    const drain = defer<void>()
    this.#socket.once('drain', () => {
      this.#drain = null
      drain.resolve()
    })
    return drain
  }

  #sayGoodbye(reason: KrownError): void {
    this.#client.end()
    this.#markClosed(reason)
    this.#socket.destroySoon()
  }

  #break(reason: KrownError): void {
    if (!this.#closedBecause) this.#markClosed(reason)
    this.#socket.destroy()
  }

  #markClosed(reason: KrownError): void {
    this.#closedBecause = reason
    for (const channel of this.#channels ?? []) channel.lose(reason)
    this.#drain?.resolve()
    this.#options.onClosed(this)
  }

  #onClosed(): void {
    if (!this.#closedBecause) this.#markClosed(mapClosed('session'))
    this.#closed.resolve(this.#closedBecause ?? mapClosed('session'))
  }
}
