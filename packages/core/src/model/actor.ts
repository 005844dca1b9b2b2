import type { ApiTokenId, LoginId, OrgId, UserId } from './ids.js'

/** Where a call came from, for the journal and the limits. */
export interface CallOrigin {
  /** Address of the caller as the transport knows it; null in process. */
  readonly clientIp: string | null
  /** Goes into the log and the journal, to find what belongs together. */
  readonly requestId?: string | undefined
  /** Kept with the login, shown to nobody else. */
  readonly userAgent?: string | undefined
}

interface UserActorBase extends CallOrigin {
  readonly userId: UserId
  readonly orgId: OrgId
  readonly username: string
}

/** A person who signed in to Krown. */
export interface LoginActor extends UserActorBase {
  readonly kind: 'login'
  readonly loginId: LoginId
  /** The access token it came with ends then, epoch milliseconds. */
  readonly expiresAt: number
  readonly tokenVersion: number
}

/** A program that a user gave an API token. */
export interface ApiTokenActor extends UserActorBase {
  readonly kind: 'api_token'
  readonly tokenId: ApiTokenId
  /** The token ends then, epoch milliseconds; null when it never does. */
  readonly expiresAt: number | null
}

/** Whoever can come with an `Authorization: Bearer` header. */
export type BearerActor = LoginActor | ApiTokenActor

/** A user whom the embedding program vouches for. */
export interface ExternalActor extends UserActorBase {
  readonly kind: 'external'
}

/** Krown's own jobs, and an embedder acting for itself: may do everything in its organization. */
export interface SystemActor extends CallOrigin {
  readonly kind: 'system'
  readonly userId: UserId
  readonly orgId: OrgId
  readonly username: string
}

/** Who is calling. Carries identity only: role and membership are read anew for each decision. */
export type Actor = LoginActor | ApiTokenActor | ExternalActor | SystemActor

/** An identity established by the embedding program. */
export interface ExternalIdentity {
  /** Who vouches, such as `https://login.example.com`. */
  issuer: string
  /** Stable id of the person at the issuer. */
  subject: string
  /** Name in lists and in the journal; taken over each time it is said. */
  displayName: string
  /** Taken over each time it is said, too. */
  role: 'admin' | 'operator' | 'readonly'
  /** Default: the organization `default`. */
  orgId?: OrgId | undefined
  /** Address of the caller, for the journal; default none. */
  clientIp?: string | undefined
}
