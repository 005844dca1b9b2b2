import type { Client } from 'ssh2'
import type { Clock } from '../base/clock.js'
import { type Deferred, defer } from '../base/deferred.js'
import { KrownError } from '../errors/krown-error.js'
import type {
  ChannelSink,
  PresentedHostKey,
  ProgramOptions,
  SshChannel,
  SshConnection,
  SshTerminal,
} from './connector.js'
import { mapClosed, mapLibraryError, protocolError, sessionLost } from './error-mapping.js'
import type { ForwardedLink } from './forwarded-link.js'
import type { Handshaken } from './handshake.js'
import { atHop, type Hop } from './hop.js'
import type { KeepalivePeer } from './keepalive-sweep.js'
import type { Link } from './link.js'
import { type ForwardHost, type ForwardRequest, openForward } from './open-forward.js'
import { type ProgramHost, type ProgramRequest, ProgramStart } from './program-start.js'
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

/** Where a connection is on the way to a target. */
export interface ConnectionPlace {
  /** Null for the target itself. */
  readonly hop: Hop | null
  /** The connection to the jump host before it, which ends with this one; null when we dialled it ourselves. */
  readonly carrier: Ssh2Connection | null
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

/** An authenticated connection. Idle, it is nothing but this object, its link and its ssh2 client. */
export class Ssh2Connection implements SshConnection, ProgramHost, ForwardHost, KeepalivePeer {
  readonly hop: Hop | null
  readonly carrier: Ssh2Connection | null
  readonly hostKey: PresentedHostKey
  readonly internals: Ssh2Internals
  readonly #client: Client
  readonly #link: Link
  readonly #options: ConnectionOptions
  readonly #closed: Deferred<KrownError> = defer()
  #closedBecause: KrownError | null = null
  #channels: Set<SessionChannel> | null = null
  #forward: ForwardedLink | null = null
  #unsolicited = 0
  #drain: Deferred<void> | null = null

  constructor(
    { client, link, internals, hostKey }: Handshaken,
    place: ConnectionPlace,
    options: ConnectionOptions,
  ) {
    this.hop = place.hop
    this.carrier = place.carrier
    this.hostKey = hostKey
    this.internals = internals
    this.#client = client
    this.#link = link
    this.#options = options
    client.on('error', (error) => this.#break(mapLibraryError('session', error)))
    client.on('end', () => this.#break(mapClosed('session')))
    client.on('close', () => void this.#onClosed())
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
    return this.#link.bytesRead
  }

  exec(command: string, sink: ChannelSink, options: ProgramOptions = {}): Promise<SshChannel> {
    return this.#start({ ...options, command, sink })
  }

  shell(terminal: SshTerminal, sink: ChannelSink, options: ProgramOptions = {}): Promise<SshChannel> {
    return this.#start({ ...options, terminal, command: null, sink })
  }

  /** For a jump host: connects it to the next one. What it carries is told when this connection is lost. */
  async openForward(request: ForwardRequest): Promise<Link> {
    this.#forward = await openForward(this, request)
    return this.#forward
  }

  async close(reason: KrownError): Promise<void> {
    if (!this.#closedBecause) this.#sayGoodbye(reason)
    const cancelTimer = this.#options.clock.setTimer(CLOSE_GRACE_MS, () => this.#link.destroy())
    await this.#closed.promise
    cancelTimer()
  }

  async drained(): Promise<void> {
    if (this.#closedBecause || this.#link.writableLength < MAX_UNSENT_BYTES) return
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
    const unread = this.#link.writableLength > MAX_UNREAD_ANSWER_BYTES
    if (unread || this.#unsolicited > MAX_UNSOLICITED) this.onProtocolViolation('unsolicited_flood')
  }

  // Not async: the caller's turn comes right after the answer, and before the sink's.
  #start(request: ProgramRequest): Promise<SshChannel> {
    if (request.signal?.aborted) return Promise.reject(request.signal.reason)
    if (this.#closedBecause) return Promise.reject(sessionLost(this.#closedBecause))
    return new ProgramStart(this, request).run()
  }

  #waitForDrain(): Deferred<void> {
    const drain = defer<void>()
    this.#link.once('drain', () => {
      this.#drain = null
      drain.resolve()
    })
    return drain
  }

  #sayGoodbye(reason: KrownError): void {
    this.#client.end()
    this.#markClosed(reason)
    this.#link.destroySoon()
  }

  #break(reason: KrownError): void {
    if (!this.#closedBecause) this.#markClosed(reason)
    this.#link.destroy()
  }

  #markClosed(reason: KrownError): void {
    this.#closedBecause = reason
    for (const channel of this.#channels ?? []) channel.lose(reason)
    this.#forward?.lose(atHop(this.hop, sessionLost(reason, 'the connection to the target was lost')))
    this.#drain?.resolve()
    this.#options.onClosed(this)
  }

  async #onClosed(): Promise<void> {
    if (!this.#closedBecause) this.#markClosed(mapClosed('session'))
    const because = this.#closedBecause ?? mapClosed('session')
    await this.carrier?.close(because)
    this.#closed.resolve(because)
  }
}
