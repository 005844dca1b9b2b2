import type { Subject } from '../access/decide.js'
import { groupBy } from '../base/group-by.js'
import { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, UserId } from '../model/ids.js'
import type { SessionCloser } from './session-closer.js'
import type { SessionRegistry } from './session-registry.js'

export interface StandingSource {
  /** Undefined when the user is disabled, or no member any more. */
  findSubject(orgId: OrgId, userId: UserId): Promise<Subject | undefined>
}

interface Deps {
  readonly registry: Pick<SessionRegistry, 'all' | 'openings'>
  readonly closer: Pick<SessionCloser, 'close'>
  readonly standings: StandingSource
  /** Gets what ends, and what may take its time: the job does not wait, or others would be late. */
  readonly inBackground: (ending: Promise<unknown>) => void
}

/** Something of a user that has to end when the user is disabled. */
interface Held {
  readonly owner: Actor
  end(): Promise<unknown>
}

/** Ends the sessions of users who were disabled. That a login ended does not end what it opened. */
export async function endRevokedSessions(deps: Deps): Promise<void> {
  const { registry, closer } = deps
  const held: Held[] = [
    ...registry.all().map((live) => ({ owner: live.owner, end: () => closer.close(live, 'user_disabled') })),
    ...registry.openings().map(({ owner, giveUp }) => ({ owner, end: async () => giveUp(disabled()) })),
  ]
  const ofOwners = groupBy(held, ({ owner }) => `${owner.orgId} ${owner.userId}`)
  await Promise.all([...ofOwners.values()].map((ofOwner) => endIfRevoked(ofOwner, deps)))
}

async function endIfRevoked(held: readonly Held[], { standings, inBackground }: Deps): Promise<void> {
  const [first] = held
  if (!first || !(await isRevoked(first.owner, standings))) return
  for (const one of held) inBackground(one.end())
}

function disabled(): KrownError {
  return new KrownError('SESSION_NOT_CONNECTED', 'the user was disabled while the session was being opened')
}

async function isRevoked(owner: Actor, standings: StandingSource): Promise<boolean> {
  if (owner.kind === 'system') return false
  return (await standings.findSubject(owner.orgId, owner.userId)) === undefined
}
