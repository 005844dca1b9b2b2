import type { Subject } from '../access/decide.js'
import { groupBy } from '../base/group-by.js'
import { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, UserId } from '../model/ids.js'
import { accessEnded } from './access-ended.js'
import type { LiveSession } from './live-session.js'
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

/**
 * Ends the sessions of users who were disabled, and the commands that they run in those of others. That a login ended
 * does not end what it opened.
 */
export async function endRevokedSessions(deps: Deps): Promise<void> {
  const { registry, closer } = deps
  const live = registry.all()
  const held: Held[] = [
    ...live.map((session) => ({ owner: session.owner, end: () => closer.close(session, 'user_disabled') })),
    ...live.flatMap(commandsOfOthers),
    ...registry.openings().map(({ owner, giveUp }) => ({ owner, end: async () => giveUp(disabled()) })),
  ]
  const ofOwners = groupBy(held, ({ owner }) => `${owner.orgId} ${owner.userId}`)
  await Promise.all([...ofOwners.values()].map((ofOwner) => endIfRevoked(ofOwner, deps)))
}

/** Those of the session's owner end with it. */
function commandsOfOthers({ owner, commands }: LiveSession): Held[] {
  return [...commands.values()]
    .filter(({ command }) => command.userId !== owner.userId)
    .map((open) => ({
      owner: open.command.actor,
      end: () => open.terminate('cancelled', accessEnded()),
    }))
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
