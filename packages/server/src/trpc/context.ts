import type { BearerActor, CallOrigin, Krown } from '@krown/core'

export interface CallOptions {
  readonly krown: Krown
  readonly origin: CallOrigin & { readonly requestId: string }
  /** Value of the `Authorization` header, or undefined when there is none. */
  readonly authorization?: string | undefined
}

/**
 * One call through one door. Making it never fails: who is calling is asked when a procedure wants to know, so
 * that the refusal takes the way of every other error.
 */
export class CallContext {
  readonly krown: Krown
  readonly origin: CallOrigin & { readonly requestId: string }
  readonly #authorization: string | undefined
  #actor: BearerActor | null = null

  constructor({ krown, origin, authorization }: CallOptions) {
    this.krown = krown
    this.origin = origin
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
    this.#actor = await this.krown.auth.authenticate(token, this.origin)
    return this.#actor
  }
}

// RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1).
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i

function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
}
