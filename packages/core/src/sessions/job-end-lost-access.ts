import type { Subject } from '../access/decide.js'
import { groupBy } from '../base/group-by.js'
import { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { ApiTokenId, OrgId } from '../model/ids.js'
import { type AccessHolder, holderOf } from '../targets/access-rules/judge-access.js'
import type { SessionOnTarget, TargetAccess } from '../targets/access-rules/target-access.js'
import type { StandingSource } from './job-end-revoked-sessions.js'
import type { SessionCloser } from './session-closer.js'
import type { SessionRegistry } from './session-registry.js'

export interface HolderSource extends StandingSource {
  /** False once it was revoked or has expired. */
  isTokenLive(id: ApiTokenId): Promise<boolean>
}

interface Deps {
  readonly registry: Pick<SessionRegistry, 'all' | 'openings'>
  readonly closer: Pick<SessionCloser, 'close'>
  readonly standings: HolderSource
  readonly access: Pick<TargetAccess, 'lastingIn'>
}

/** A session to a target, open or being opened. */
interface Held {
  readonly owner: Actor
  readonly on: SessionOnTarget
  end(): unknown
}

/** Ends the sessions to targets that their owners could not open any more: a rule ended, or the target changed. */
export async function endLostAccess(deps: Deps): Promise<void> {
  const ofOrgs = groupBy(heldSessions(deps), ({ owner }) => owner.orgId)
  await Promise.all([...ofOrgs].map(([orgId, held]) => endLostAccessIn(orgId, held, deps)))
}

function heldSessions({ registry, closer }: Deps): Held[] {
  const live = registry.all().map((session) => ({
    owner: session.owner,
    on: session.onTarget,
    end: () => closer.close(session, 'access_ended'),
  }))
  const opening = registry.openings().map(({ owner, onTarget, giveUp }) => ({
    owner,
    on: onTarget,
    end: () => giveUp(accessEnded()),
  }))
  return [...live, ...opening].flatMap(({ on, ...one }) => (on === null ? [] : { ...one, on }))
}

async function endLostAccessIn(
  orgId: OrgId,
  held: readonly Held[],
  { standings, access }: Deps,
): Promise<void> {
  const isLasting = await access.lastingIn(orgId)
  await Promise.all(
    held.map(async ({ owner, on, end }) => {
      const holder = await findHolder(owner, standings)
      // Of who was disabled, another job ends everything.
      if (holder && !isLasting({ holder, on })) await end()
    }),
  )
}

/** Rules of a dead token give nothing any more; what its owner's own rules allow goes on. */
async function findHolder(owner: Actor, standings: HolderSource): Promise<AccessHolder | undefined> {
  const subject = await findSubject(owner, standings)
  if (!subject) return undefined
  const holder = holderOf(owner, subject)
  const isDead = holder.tokenId !== undefined && !(await standings.isTokenLive(holder.tokenId))
  return isDead ? { ...holder, tokenId: undefined } : holder
}

async function findSubject(owner: Actor, standings: StandingSource): Promise<Subject | undefined> {
  const { kind, orgId, userId } = owner
  return kind === 'system'
    ? { userId, role: 'admin', auditScope: 'org' }
    : standings.findSubject(orgId, userId)
}

function accessEnded(): KrownError {
  return new KrownError('FORBIDDEN', 'the access to the target ended while the session was being opened')
}
