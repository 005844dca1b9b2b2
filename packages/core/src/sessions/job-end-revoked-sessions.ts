import type { Subject } from '../access/decide.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, UserId } from '../model/ids.js'
import type { LiveSession } from './live-session.js'
import type { SessionCloser } from './session-closer.js'
import type { SessionRegistry } from './session-registry.js'

export interface StandingSource {
  /** Undefined when the user is disabled, or no member any more. */
  findSubject(orgId: OrgId, userId: UserId): Promise<Subject | undefined>
}

/** Ends the sessions of users who were disabled. That a login ended does not end what it opened. */
export async function endRevokedSessions(deps: {
  registry: Pick<SessionRegistry, 'all'>
  closer: Pick<SessionCloser, 'close'>
  standings: StandingSource
}): Promise<void> {
  const ofOwners = new Map<string, LiveSession[]>()
  for (const live of deps.registry.all()) {
    const owner = `${live.owner.orgId} ${live.owner.userId}`
    ofOwners.set(owner, [...(ofOwners.get(owner) ?? []), live])
  }
  await Promise.all([...ofOwners.values()].map((sessions) => endIfRevoked(deps, sessions)))
}

async function endIfRevoked(
  { closer, standings }: { closer: Pick<SessionCloser, 'close'>; standings: StandingSource },
  sessions: readonly LiveSession[],
): Promise<void> {
  const [first] = sessions
  if (!first || !(await isRevoked(first.owner, standings))) return
  await Promise.all(sessions.map((live) => closer.close(live, 'user_disabled')))
}

async function isRevoked(owner: Actor, standings: StandingSource): Promise<boolean> {
  if (owner.kind === 'system') return false
  return (await standings.findSubject(owner.orgId, owner.userId)) === undefined
}
