import type { Subject } from '../access/decide.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, UserId } from '../model/ids.js'
import type { SessionCloser } from './session-closer.js'
import type { SessionRegistry } from './session-registry.js'

export interface StandingSource {
  /** Undefined when the user is disabled, or no member any more. */
  findSubject(orgId: OrgId, userId: UserId): Promise<Subject | undefined>
}

/** Ends the sessions of users who were disabled. That a login ended does not end what it opened. */
export async function endRevokedSessions(deps: {
  registry: SessionRegistry
  closer: SessionCloser
  standings: StandingSource
}): Promise<void> {
  const owners = new Map(deps.registry.all().map(({ owner }) => [`${owner.orgId} ${owner.userId}`, owner]))
  const revoked = new Set<UserId>()
  for (const owner of owners.values()) if (await isRevoked(owner, deps.standings)) revoked.add(owner.userId)
  const ending = deps.registry.ofUsers(revoked)
  await Promise.all(ending.map((live) => deps.closer.close(live, 'user_disabled')))
}

async function isRevoked(owner: Actor, standings: StandingSource): Promise<boolean> {
  if (owner.kind === 'system') return false
  return (await standings.findSubject(owner.orgId, owner.userId)) === undefined
}
