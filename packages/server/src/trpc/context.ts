import { type BearerActor, type CallOrigin, type Krown, KrownError } from '@krown/core'
import type { UnderWay } from '../load/under-way.js'

/** The WebSocket that a call came over, as procedures see it. */
export interface CallSocket {
  /** @throws KrownError UNAUTHENTICATED while there is no token, and after it ended. */
  requireActor(): BearerActor
  /** Takes the first token, or the next one of the same user. @throws KrownError UNAUTHENTICATED, FORBIDDEN */
  authenticate(token: string): Promise<BearerActor>
  /** @returns What gives the place back. @throws KrownError QUOTA_EXCEEDED */
  takeSubscription(): () => void
  /** Resolves when more may be sent, or when the socket is gone. */
  ready(): Promise<void>
  /** Calls back when the peer has read everything that was sent until now; not at all when it never does. */
  whenArrived(arrived: () => void): void
  /** It is gone, and neither side meant it. */
  readonly wasCut: boolean
  /**
   * Tells of one answer when the socket took it, or is gone: then `over` aborts. `sent` is to be called when it is about
   * to be sent, or will not be.
   */
  beginAnswer(): { over: AbortSignal; sent: () => void }
}

export interface CallOptions {
  readonly krown: Krown
  readonly origin: CallOrigin & { readonly requestId: string }
  /** Value of the `Authorization` header, or undefined when there is none. */
  readonly authorization?: string | undefined
  /** Where there is one, it says who is calling. */
  readonly socket?: CallSocket | undefined
  /** Bounds what is under way; default: nothing does. */
  readonly underWay?: UnderWay | undefined
  /** Aborts when the request is over. */
  readonly over?: AbortSignal | undefined
}

/**
 * One call through one door, or all the calls of a WebSocket. Making it never fails: who is calling is asked when a
 * procedure wants to know, so that the refusal takes the way of every other error.
 */
export class CallContext {
  readonly krown: Krown
  readonly origin: CallOrigin & { readonly requestId: string }
  readonly socket: CallSocket | undefined
  readonly over: AbortSignal | undefined
  readonly underWay: UnderWay | undefined
  /** Bytes of answers that it holds, in {@link underWay}. */
  heldBytes = 0
  readonly #authorization: string | undefined
  #actor: BearerActor | null = null

  constructor({ krown, origin, authorization, socket, underWay, over }: CallOptions) {
    this.krown = krown
    this.underWay = underWay
    this.over = over
    this.origin = origin
    this.socket = socket
    this.#authorization = authorization
  }

  /** Who is calling, once {@link authenticate} found out; for the log. */
  get actor(): BearerActor | null {
    return this.#actor
  }

  /** @throws KrownError UNAUTHENTICATED, the same for every cause. */
  async authenticate(): Promise<BearerActor> {
    // A missing token is asked about like a wrong one, so that both get the very same refusal.
    const token = bearerToken(this.#authorization) ?? ''
    this.#actor = this.socket
      ? this.socket.requireActor()
      : await this.krown.auth.authenticate(token, this.origin)
    return this.#actor
  }
}

/** @throws KrownError METHOD_NOT_ALLOWED for a call over HTTP. */
export function requireSocket({ socket }: CallContext): CallSocket {
  if (socket) return socket
  throw new KrownError('METHOD_NOT_ALLOWED', 'this is for calls over a WebSocket')
}

// RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1).
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i

function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
}
