import { defer } from '../base/deferred.js'
import { type KrownError, validationError } from '../errors/krown-error.js'
import type { ChannelSink, SshChannel } from './connector.js'
import { sessionLost } from './error-mapping.js'
import { type Ssh2Channel, type Ssh2Internals, sendSignal, sendTerminalSize } from './ssh2-internals.js'

/** What a channel needs of the connection it is part of. */
export interface ChannelHost {
  readonly internals: Ssh2Internals
  /** Resolves once the socket has room again: at once, normally. */
  drained(): Promise<void>
  /** The channel is over. */
  onChannelEnd(channel: SessionChannel): void
  /** Closes the connection: a sink threw, and what the target sends would go nowhere. */
  onSinkFailure(error: unknown): void
}

// Names outside RFC 4254 §6.10 may be anything; ours end up in terminals and tables.
const SIGNAL_NAME = /^SIG([A-Z0-9]{1,16})$/

/** A session channel with a program in it: ssh2's two streams on one side, one sink on the other. */
export class SessionChannel implements SshChannel {
  readonly #stream: Ssh2Channel
  readonly #host: ChannelHost
  #sink: ChannelSink | null = null
  #openStreams = 2
  #exit: { exitCode: number | null; signal: string | null } = { exitCode: null, signal: null }
  #lost: KrownError | null = null
  #ended = false
  #inputEnded = false
  #pendingWrites: Set<(reason: KrownError) => void> | null = null

  constructor(stream: Ssh2Channel, host: ChannelHost) {
    this.#stream = stream
    this.#host = host
    // An error without a listener ends the process; ours come from writes, which report it themselves.
    stream.on('error', ignore)
    stream.stderr.on('error', ignore)
  }

  /** Begins to deliver. Both streams are read at once: they share one flow window, and one unread stops both. */
  start(sink: ChannelSink): void {
    this.#sink = sink
    const { stderr } = this.#stream
    this.#stream.on('data', (chunk: Buffer) => this.#deliver('stdout', chunk))
    stderr.on('data', (chunk: Buffer) => this.#deliver('stderr', chunk))
    this.#stream.once('close', (code?: number | null, signal?: string) => {
      this.#exit = { exitCode: code ?? null, signal: signalName(signal) }
      this.#onStreamClosed()
    })
    stderr.once('close', () => this.#onStreamClosed())
  }

  /** Gives the channel up: whatever still arrives is thrown away. */
  abandon(sink: ChannelSink, because: KrownError): void {
    this.#sink = sink
    this.#stream.close()
    this.resume()
    this.#lost ??= because
    this.#finish()
  }

  /** The connection is gone. What has arrived is still delivered, at the reader's pace, before the end. */
  lose(because: KrownError): void {
    if (this.#stream.incoming.state !== 'closed') this.#lost = because
    this.#rejectWrites()
  }

  pause(): void {
    this.#stream.pause()
    this.#stream.stderr.pause()
  }

  resume(): void {
    this.#stream.resume()
    this.#stream.stderr.resume()
  }

  async write(data: Uint8Array): Promise<void> {
    if (!this.#writable) throw this.#gone()
    const taken = defer<void>()
    this.#pendingWrites ??= new Set()
    this.#pendingWrites.add(taken.reject)
    this.#stream.write(data, (error) => (error ? taken.reject(this.#gone()) : taken.resolve()))
    try {
      await taken.promise
    } finally {
      this.#pendingWrites.delete(taken.reject)
    }
    // A target may grant a window of 4 GiB and then not read: the socket would buffer it all.
    await this.#host.drained()
    if (this.#lost) throw this.#gone()
  }

  endInput(): void {
    if (!this.#writable) return
    this.#inputEnded = true
    this.#stream.end()
  }

  signal(name: string): void {
    if (this.#ended || this.#lost) return
    try {
      sendSignal(this.#host.internals, this.#stream, name)
    } catch {
      throw validationError([{ path: 'signal', message: 'is not a signal of RFC 4254 §6.10' }])
    }
  }

  resize(columns: number, rows: number): void {
    if (!this.#ended && !this.#lost) sendTerminalSize(this.#host.internals, this.#stream, { columns, rows })
  }

  close(): void {
    if (this.#ended || this.#lost) return
    this.#stream.close()
    this.#rejectWrites()
  }

  get #writable(): boolean {
    return !this.#ended && !this.#lost && !this.#inputEnded && this.#stream.outgoing.state === 'open'
  }

  #gone(): KrownError {
    return sessionLost(this.#lost, 'the channel is closed')
  }

  #deliver(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    try {
      this.#sink?.data(stream, chunk)
    } catch (error) {
      this.#host.onSinkFailure(error)
    }
  }

  #onStreamClosed(): void {
    this.#openStreams -= 1
    if (this.#openStreams === 0) this.#finish()
  }

  #finish(): void {
    this.#ended = true
    this.#rejectWrites()
    this.#host.onChannelEnd(this)
    try {
      this.#sink?.end({ error: this.#lost, ...this.#exit })
    } catch (error) {
      this.#host.onSinkFailure(error)
    }
  }

  #rejectWrites(): void {
    for (const reject of this.#pendingWrites ?? []) reject(this.#gone())
  }
}

function signalName(signal: string | undefined): string | null {
  if (signal === undefined) return null
  return SIGNAL_NAME.exec(signal)?.[1] ?? 'UNKNOWN'
}

function ignore(): void {}
