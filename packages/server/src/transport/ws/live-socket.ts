import type { Socket } from 'node:net'
import { type BearerActor, type Krown, KrownError } from '@krown/core'
import type { WebSocket } from 'ws'
import type { CallSocket } from '../../trpc/context.js'
import type { RequestOrigin } from '../call.js'
import { Answers } from './answers.js'
import { CLOSE, type CloseCode } from './close-codes.js'
import { Receipts } from './receipts.js'
import type { SocketCounts } from './socket-counts.js'
import { SocketFlow } from './socket-flow.js'
import type { SocketSettings } from './socket-settings.js'

export interface SocketParts {
  readonly krown: Krown
  readonly ws: WebSocket
  /** What the WebSocket runs on. */
  readonly stream: Socket
  readonly origin: RequestOrigin
  readonly settings: SocketSettings
  readonly ofUsers: SocketCounts
  readonly maxSubscriptions: number
  /** Messages and pings a sweep interval. */
  readonly maxFrames: number
  /** Tells the peer, where its protocol can, that it should connect anew. */
  readonly announceRestart?: () => void
}

/** Whoever is not signed in has little to ask; a client that comes back asks for its streams at once. */
const MAX_STRANGERS_CALLS = 64

/** There was no closing handshake (RFC 6455 §7.1.5). */
const ABNORMAL_CLOSURE = 1006

/** One WebSocket, whichever protocol it speaks: who it belongs to, and every bound that it is held to. */
export class LiveSocket implements CallSocket {
  readonly origin: RequestOrigin
  readonly #parts: SocketParts
  readonly #flow: SocketFlow
  readonly #answers = new Answers(() => this.ready())
  readonly #receipts: Receipts
  readonly #openedAt = performance.now()
  #actor: BearerActor | undefined
  #refusal: unknown
  #giveBackPlace: (() => void) | undefined
  #subscriptions = 0
  #frames = 0
  #strangersCalls = 0
  #holds = 0
  #heardAt = performance.now()
  #pingedAt: number | undefined
  #closedByUs = false
  #wasCut = false

  constructor(parts: SocketParts) {
    const { ws, stream, settings } = parts
    this.origin = parts.origin
    this.#parts = parts
    this.#flow = new SocketFlow(ws, stream, { ...settings, onStall: () => this.close(CLOSE.tooSlow) })
    this.#receipts = new Receipts(ws)
    for (const event of ['message', 'ping'] as const) ws.on(event, () => this.#heard(1))
    // That something arrived was asked for: it is nothing that the peer says by itself.
    ws.on('pong', (data) => this.#heard(this.#receipts.take(data) ? 0 : 1))
    ws.once('close', (code) => {
      // Before its streams hear that it is gone.
      this.#wasCut = code === ABNORMAL_CLOSURE && !this.#closedByUs
      this.#giveBackPlace?.()
      this.#answers.endAll()
    })
    // What is wrong with the peer's frames is answered with a close by ws itself.
    ws.on('error', () => {})
  }

  /** Whose it is; null before it authenticated. */
  get actor(): BearerActor | null {
    return this.#actor ?? null
  }

  get isOpen(): boolean {
    return this.#parts.ws.readyState === this.#parts.ws.OPEN
  }

  get wasCut(): boolean {
    return this.#wasCut
  }

  get ageMs(): number {
    return performance.now() - this.#openedAt
  }

  /**
   * Takes the first token, or the next one of the same user.
   *
   * @throws KrownError UNAUTHENTICATED; FORBIDDEN when it is somebody else's; QUOTA_EXCEEDED, after which the socket is
   * closed.
   */
  async authenticate(token: string): Promise<BearerActor> {
    try {
      const actor = await this.#parts.krown.auth.authenticate(token, this.origin)
      this.#admit(actor)
      return actor
    } catch (error) {
      this.#refusal ??= error
      throw error
    }
  }

  /** @throws KrownError UNAUTHENTICATED while there is no token, and after it ended. */
  requireActor(): BearerActor {
    if (!this.#actor) throw this.#refusal ?? notAuthenticated()
    if (endOf(this.#actor) <= Date.now()) throw notAuthenticated()
    return this.#actor
  }

  /** @returns What gives the place back. @throws KrownError QUOTA_EXCEEDED */
  takeSubscription(): () => void {
    const { maxSubscriptions } = this.#parts
    if (this.#subscriptions >= maxSubscriptions) {
      throw new KrownError('QUOTA_EXCEEDED', 'too many subscriptions on this WebSocket', {
        details: { limit: maxSubscriptions },
      })
    }
    this.#subscriptions += 1
    let taken = true
    return () => {
      if (taken) this.#subscriptions -= 1
      taken = false
    }
  }

  /** A message that holds several calls counts as so many. */
  countCalls(calls: number): void {
    this.#strangersCalls += this.#actor ? 0 : calls
    if (this.#strangersCalls > MAX_STRANGERS_CALLS && this.isOpen) {
      this.close(CLOSE.notAuthenticated, 'too many calls before authentication')
      this.hold()
    }
    this.#count(calls - 1)
  }

  ready(): Promise<void> {
    return this.#flow.ready()
  }

  whenArrived(arrived: () => void): void {
    this.#receipts.ask(arrived)
  }

  beginAnswer(): { over: AbortSignal; sent: () => void } {
    return this.#answers.begin()
  }

  /** Reads nothing more from the peer, until every hold was let go. @returns What lets this one go, to be called once. */
  hold(): () => void {
    const { ws } = this.#parts
    this.#holds += 1
    ws.pause()
    return () => {
      this.#holds -= 1
      if (this.#holds > 0) return
      // What the peer said meanwhile was not heard.
      this.#heardAt = performance.now()
      this.#pingedAt = undefined
      this.#receipts.lookAnew()
      ws.resume()
    }
  }

  announceRestart(): void {
    if (this.isOpen) this.#parts.announceRestart?.()
  }

  /** Nothing that still arrives is looked at. */
  close(code: CloseCode, reason = ''): void {
    const { ws } = this.#parts
    this.#closedByUs = true
    ws.removeAllListeners('message')
    ws.close(code, reason)
  }

  /** Looks at the clock: deadlines, the end of the token, and whether the peer is still there. */
  tick(): void {
    this.#frames = 0
    if (!this.isOpen) return
    const { authenticateWithinMs, tokenGraceMs, stallMs } = this.#parts.settings
    if (!this.#actor) {
      if (this.ageMs >= authenticateWithinMs) this.close(CLOSE.notAuthenticated, 'not authenticated in time')
    } else if (endOf(this.#actor) + tokenGraceMs <= Date.now()) {
      this.close(CLOSE.notAuthenticated, 'the token has ended')
    }
    // Behind what waits to be sent a ping would wait as well; there the flow looks whether anything moves.
    if (this.#flow.blocked) this.#flow.look()
    else if (this.#receipts.stalledMs >= stallMs) this.close(CLOSE.tooSlow)
    else this.#keepAlive()
  }

  #admit(actor: BearerActor): void {
    const known = this.#actor
    if (known && (known.userId !== actor.userId || known.orgId !== actor.orgId)) {
      throw new KrownError('FORBIDDEN', 'this WebSocket belongs to another user')
    }
    if (!known) this.#takePlace(actor)
    this.#actor = actor
    this.#refusal = undefined
  }

  #takePlace({ userId }: BearerActor): void {
    try {
      this.#giveBackPlace = this.#parts.ofUsers.take(userId)
    } catch (error) {
      this.close(CLOSE.flood, 'too many WebSockets of this user')
      throw error
    }
    if (!this.isOpen) this.#giveBackPlace()
  }

  #heard(messages: number): void {
    this.#heardAt = performance.now()
    this.#pingedAt = undefined
    this.#count(messages)
    // Whatever it says may be answered: who does not read the answers is not listened to.
    if (this.#flow.isFull) void this.ready().then(this.hold())
  }

  #count(messages: number): void {
    this.#frames += messages
    if (this.#frames <= this.#parts.maxFrames || !this.isOpen) return
    this.close(CLOSE.flood, 'too many messages')
    this.hold()
  }

  #keepAlive(): void {
    const { ws, settings } = this.#parts
    const now = performance.now()
    if (this.#pingedAt !== undefined) {
      if (now - this.#pingedAt >= settings.pongWithinMs) ws.terminate()
    } else if (now - this.#heardAt >= settings.pingAfterMs) {
      this.#pingedAt = now
      ws.ping()
    }
  }
}

function endOf({ expiresAt }: BearerActor): number {
  return expiresAt ?? Number.POSITIVE_INFINITY
}

function notAuthenticated(): KrownError {
  return new KrownError('UNAUTHENTICATED', 'not signed in')
}
