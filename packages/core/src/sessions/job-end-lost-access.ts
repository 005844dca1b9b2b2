import { reachOf, type Subject } from '../access/decide.js'
import { groupBy } from '../base/group-by.js'
import { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { ApiTokenId, OrgId } from '../model/ids.js'
import { type AccessHolder, holderOf } from '../targets/access-rules/judge-access.js'
import { type HeldAccess, OPENING_VERBS, type TargetAccess } from '../targets/access-rules/target-access.js'
import { accessEnded } from './access-ended.js'
import type { StandingSource } from './job-end-revoked-sessions.js'
import type { LiveSession } from './live-session.js'
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
  /** Gets what ends, and what may take its time: the job does not wait, or others would be late. */
  readonly inBackground: (ending: Promise<unknown>) => void
}

/** Something that access to a target lets go on: a session, open or being opened, or a command in one. */
interface Held extends Omit<HeldAccess, 'holder'> {
  readonly actor: Actor
  /** A command in somebody else's session: whoever started it has to be one who may do that. */
  readonly isForeign: boolean
  /** Resolves when it has ended. */
  end(): Promise<unknown>
  /** What ends with it. */
  readonly within: readonly Held[]
}

/**
 * Ends the sessions that their owners could not open any more, because a rule ended or the target changed; and in those
 * that stay, the commands that could not be started any more: by a rule, or because only an admin starts some in the
 * session of somebody else.
 *
 * @param only The organization to look at; left out: all of them.
 */
export async function endLostAccess(deps: Deps, only?: OrgId): Promise<void> {
  const ofOrgs = groupBy(heldIn(deps), ({ actor }) => actor.orgId)
  const wanted = only === undefined ? [...ofOrgs] : [...ofOrgs].filter(([orgId]) => orgId === only)
  await Promise.all(wanted.map(([orgId, held]) => endLostAccessIn(orgId, held, deps)))
}

function heldIn({ registry, closer }: Deps): Held[] {
  const live = registry.all().map((session) => ({
    actor: session.owner,
    on: session.onTarget,
    verbs: OPENING_VERBS,
    isForeign: false,
    end: () => closer.close(session, 'access_ended'),
    within: commandsOf(session),
  }))
  const opening = registry.openings().map(({ owner, onTarget, giveUp }) => ({
    actor: owner,
    on: onTarget,
    verbs: OPENING_VERBS,
    isForeign: false,
    end: async () => giveUp(openingEnded()),
    within: [],
  }))
  return [...live, ...opening].filter(canBeLost)
}

function commandsOf({ commands, onTarget, owner }: LiveSession): Held[] {
  return [...commands.values()].map((open) => ({
    actor: open.command.actor,
    on: onTarget,
    verbs: [open.verb],
    isForeign: open.command.actor.userId !== owner.userId,
    end: () => open.terminate('cancelled', accessEnded()),
    within: [],
  }))
}

/** Of ad hoc hosts no rule says anything, but that an API token which rules name does not reach them. */
function canBeLost({ on, actor, isForeign, within }: Held): boolean {
  return on !== null || actor.kind === 'api_token' || isForeign || within.some(canBeLost)
}

async function endLostAccessIn(
  orgId: OrgId,
  held: readonly Held[],
  { standings, access, inBackground }: Deps,
): Promise<void> {
  const isLasting = await access.lastingIn(orgId)
  const endUnlessLasting = async (one: Held): Promise<void> => {
    const { actor, on, verbs, end, within } = one
    const holder = await findHolder(actor, standings)
    // Of who was disabled, another job ends everything.
    if (!holder) return
    if (mayGoOn(one, holder) && isLasting({ holder, on, verbs }))
      await Promise.all(within.map(endUnlessLasting))
    else inBackground(end())
  }
  await Promise.all(held.map(endUnlessLasting))
}

function mayGoOn({ isForeign }: Held, { subject }: AccessHolder): boolean {
  return !isForeign || reachOf(subject, 'session:execute') === 'org'
}

async function findHolder(actor: Actor, standings: HolderSource): Promise<AccessHolder | undefined> {
  const subject = await findSubject(actor, standings)
  if (!subject) return undefined
  const { token, ...holder } = holderOf(actor, subject)
  return { ...holder, token: token && { ...token, isLive: await standings.isTokenLive(token.id) } }
}

async function findSubject(
  { kind, orgId, userId }: Actor,
  standings: StandingSource,
): Promise<Subject | undefined> {
  return kind === 'system'
    ? { userId, role: 'admin', auditScope: 'org' }
    : standings.findSubject(orgId, userId)
}

function openingEnded(): KrownError {
  return new KrownError('FORBIDDEN', 'the access to the target ended while the session was being opened')
}
