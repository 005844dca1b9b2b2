import type { CredentialId, TargetId } from '../../model/ids.js'
import type { SessionAuth } from '../../model/session.js'

/** What a hop is signed in to with. */
export type HopAuth =
  /** Brought by the caller, or by the embedding program for this very target. */
  | { readonly kind: 'given'; readonly auth: SessionAuth }
  /** Decrypted within the dial, and only for the host, port and user name of the target it belongs to. */
  | { readonly kind: 'stored'; readonly credentialId: CredentialId; readonly method: SessionAuth['method'] }

/** One SSH connection on the way to where a session goes. */
export interface DialHop {
  /** In its one spelling. */
  readonly host: string
  readonly port: number
  readonly username: string
  readonly auth: HopAuth
  readonly legacyAlgorithms: boolean
  /** Null for an ad hoc host. */
  readonly targetId: TargetId | null
  /** The jump host before this one; null when it is dialled directly. With host and port it is what a host key is of. */
  readonly via: TargetId | null
}

/** How to get somewhere, resolved from the inventory at one moment. */
export interface DialPlan {
  /** In the order in which they are dialled. */
  readonly jumps: readonly DialHop[]
  /** Where the session ends. */
  readonly last: DialHop
}

/** Jump hosts on one way at most. */
export const MAX_JUMPS = 8
