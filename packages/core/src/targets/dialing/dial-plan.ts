import type { TargetWithKind } from '../../db/repositories/target.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { CredentialId, TargetId } from '../../model/ids.js'
import type { SessionAuth } from '../../model/session.js'
import type { TargetFacts } from '../../model/target.js'
import { AUTH_METHOD_OF } from '../credentials/credential-secrets.js'
import type { OrgTargets } from '../index/org-targets.js'

/** Jump hosts on one way at most. */
export const MAX_JUMPS = 8

/** What a hop is signed in to with. */
export type HopAuth =
  /** Brought by the caller. */
  | { readonly kind: 'given'; readonly auth: SessionAuth }
  /** Brought by the embedding program, for this very target. */
  | { readonly kind: 'provided'; readonly auth: SessionAuth }
  /** Decrypted within the dial, and only for the host, port and user name of the target it belongs to. */
  | { readonly kind: 'stored'; readonly credentialId: CredentialId; readonly method: SessionAuth['method'] }

/** Of a settled hop. */
export function methodOf(auth: HopAuth): SessionAuth['method'] {
  return auth.kind === 'stored' ? auth.method : auth.auth.method
}

/** There is none: the embedding program may have one. */
export interface WantedAuth {
  readonly kind: 'wanted'
  readonly target: TargetFacts
}

/** One SSH connection on the way to where a session goes. */
export interface DialHop<Auth = HopAuth> {
  /** The target's; of an ad hoc host, the host. */
  readonly name: string
  /** In its one spelling. */
  readonly host: string
  readonly port: number
  readonly username: string
  readonly auth: Auth
  readonly legacyAlgorithms: boolean
  /** Null for an ad hoc host. */
  readonly targetId: TargetId | null
  /** The jump host right before it; null when it is dialled directly. With host and port it says whose a key is. */
  readonly via: TargetId | null
}

/** How to get somewhere, resolved from the inventory at one moment. */
export interface DialPlan<Auth = HopAuth> {
  /** In the order in which they are dialled. */
  readonly jumps: readonly DialHop<Auth>[]
  /** Where the session ends. */
  readonly last: DialHop<Auth>
}

export type PlannedAuth = HopAuth | WantedAuth
/** One in which credentials may still be wanted. */
export type UnsettledPlan = DialPlan<PlannedAuth>

/** What the caller brings instead of what the target has. */
export interface BroughtLogin {
  readonly auth?: SessionAuth | undefined
  /** Only with `auth`: a stored credential goes to no other user than its target's. */
  readonly username?: string | undefined
}

/** The target itself, on the way to it: what the caller brings is for it alone. */
export function lastHopTo(target: TargetWithKind, { auth, username }: BroughtLogin): DialHop<PlannedAuth> {
  const last = hopOf(target)
  return auth ? { ...last, auth: { kind: 'given', auth }, username: username ?? last.username } : last
}

/**
 * The jump hosts up to this one, in the order in which they are dialled.
 *
 * @throws KrownError CONFLICT when there are more than {@link MAX_JUMPS}: a change that is being made right now.
 */
export function jumpsTo(targets: OrgTargets, via: TargetId | null): DialHop<PlannedAuth>[] {
  const jumps: DialHop<PlannedAuth>[] = []
  for (let next = via && targets.find(via); next; next = findJump(targets, next)) {
    if (jumps.length === MAX_JUMPS) throw tooManyJumps()
    jumps.unshift(hopOf(next))
  }
  return jumps
}

export function tooManyJumps(): KrownError {
  return new KrownError('CONFLICT', `a target is reached through at most ${MAX_JUMPS} jump hosts`)
}

function findJump(targets: OrgTargets, { jumpTargetId }: TargetWithKind): TargetWithKind | undefined {
  return jumpTargetId === null ? undefined : targets.find(jumpTargetId)
}

function hopOf(target: TargetWithKind): DialHop<PlannedAuth> {
  const { id, name, host, port, username, legacyAlgorithms, jumpTargetId } = target
  return {
    name,
    host,
    port,
    username,
    auth: authOf(target),
    legacyAlgorithms,
    targetId: id,
    via: jumpTargetId,
  }
}

function authOf(target: TargetWithKind): PlannedAuth {
  const { id, name, host, port, username, tags, credentialId, credentialKind } = target
  if (credentialId === null || credentialKind === null) {
    return { kind: 'wanted', target: { id, name, host, port, username, tags } }
  }
  return { kind: 'stored', credentialId, method: AUTH_METHOD_OF[credentialKind] }
}
