import type { LoginId, OrgId, UserId } from './ids.js'

/** Where a call came from, for the journal and the limits. */
export interface CallOrigin {
  /** Address of the caller as the transport knows it; null in process. */
  readonly clientIp: string | null
  readonly requestId?: string | undefined
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
export type Actor = LoginActor | ExternalActor | SystemActor

/** An identity established by the embedding program. */
export interface ExternalIdentity {
  /** Who vouches, such as `https://login.example.com`. */
  issuer: string
  /** Stable id of the person at the issuer. */
  subject: string
  displayName: string
  role: 'admin' | 'operator' | 'readonly'
  /** Default: the organization `default`. */
  orgId?: OrgId | undefined
  clientIp?: string | undefined
}
