import type { Caller, Gate } from '../auth/gate/gate.js'
import { startCancellation } from '../base/cancellation.js'
import type { Clock } from '../base/clock.js'
import { defer } from '../base/deferred.js'
import type { Db } from '../db/database.js'
import { listSessions } from '../db/repositories/session.repository.js'
import { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, SessionId } from '../model/ids.js'
import type { OpenSessionInput } from '../model/open-session.js'
import type { Page } from '../model/page.js'
import type { Session, SessionQuery } from '../model/session.js'
import {
  OPENING_VERBS,
  type SessionOnTarget,
  type TargetAccess,
} from '../targets/access-rules/target-access.js'
import type { Intake } from './intake.js'
import type { LiveSession } from './live-session.js'
import type { OpenLimits } from './open-limits.js'
import type { SessionCloser } from './session-closer.js'
import type { SessionFinder } from './session-finder.js'
import type { OpenRequest, SessionOpener } from './session-opener.js'
import type { SessionPlanner } from './session-planner.js'
import type { SessionRegistry } from './session-registry.js'

export interface SshManagerDeps {
  readonly gate: Gate
  readonly access: Pick<TargetAccess, 'requireEnd' | 'sightOfSessions'>
  readonly db: Db
  readonly clock: Clock
  readonly intake: Intake
  readonly openLimits: OpenLimits
  /** Live sessions of this process at most. */
  readonly maxSessions: number
  readonly sessions: {
    registry: SessionRegistry
    finder: SessionFinder
    planner: SessionPlanner
    opener: SessionOpener
    closer: SessionCloser
  }
}

/** Holds the live SSH sessions of this process; the database has the durable record of all. */
export class SshManager {
  readonly #deps: SshManagerDeps

  constructor(deps: SshManagerDeps) {
    this.#deps = deps
  }

  /** Sessions that are open, or being opened, in this process. */
  get liveCount(): number {
    return this.#deps.sessions.registry.size
  }

  /** See `KrownClient.sessions.open`. */
  async open(actor: Actor, input: OpenSessionInput): Promise<Session> {
    const { gate, intake, openLimits, sessions } = this.#deps
    const plan = await sessions.planner.plan(actor, input)
    return gate.run(actor, { permission: 'session:open', target: plan.last }, async (caller) => {
      intake.requireOpen()
      await sessions.planner.requireReach(caller, plan)
      await openLimits.count(actor, plan.last)
      return this.#open(actor, { plan, given: input.hostKeyFingerprint })
    })
  }

  async get(actor: Actor, id: SessionId): Promise<Session> {
    const useCase = { permission: 'session:read', resource: { kind: 'session', id } } as const
    return this.#deps.gate.run(actor, useCase, (caller) =>
      this.#deps.sessions.finder.requireVisible(caller, id),
    )
  }

  /** A page has fewer items than asked for where rules keep some from the caller's API token. */
  async list(actor: Actor, query: SessionQuery): Promise<Page<Session>> {
    const { gate, access, db } = this.#deps
    return gate.run(actor, { permission: 'session:read' }, async (caller) => {
      const owner = caller.reach === 'org' ? undefined : caller.subject.userId
      const page = await listSessions(db, actor.orgId, { query, owner })
      const sight = await access.sightOfSessions(caller)
      const items = sight ? page.items.filter(({ targetId }) => sight(targetId)) : page.items
      return { ...page, items: items.map((session) => this.#asItIsNow(session)) }
    })
  }

  /** Closing what has ended is fine. */
  async close(actor: Actor, id: SessionId): Promise<Session> {
    const { gate, access, sessions } = this.#deps
    const useCase = { permission: 'session:close', resource: { kind: 'session', id } } as const
    return gate.run(actor, useCase, async (caller) => {
      const session = await sessions.finder.requireAllowed(caller, id, 'session:close')
      await access.requireEnd(caller, { on: onTargetOf(session), verbs: OPENING_VERBS })
      const live = await this.#findOrGiveUp(actor.orgId, id)
      if (!live) return requireEnded(await this.#reread(caller, session))
      const isOwner = live.owner.userId === actor.userId
      return sessions.closer.close(live, isOwner ? 'closed_by_user' : 'closed_by_admin', actor)
    })
  }

  /** Takes nothing new in, waits for running commands for at most `timeoutMs`, then ends every session. */
  async drain(timeoutMs: number): Promise<void> {
    const { intake, sessions } = this.#deps
    intake.close()
    await Promise.all([sessions.registry.settleOpenings(), this.#commandsWithin(timeoutMs)])
    await Promise.all(sessions.registry.all().map((live) => sessions.closer.close(live, 'server_shutdown')))
    await sessions.closer.settle()
  }

  async #open(actor: Actor, request: OpenRequest): Promise<Session> {
    const { intake, sessions } = this.#deps
    const { registry, opener, closer } = sessions
    this.#requireRoom()
    const opening = opener.prepare(actor, request)
    using cancellation = startCancellation(intake.signal)
    const live = await registry.admit({
      id: opening.id,
      owner: actor,
      onTarget: onTargetOf(request.plan.last),
      opened: opener.open(opening, cancellation.signal),
      giveUp: (reason) => cancellation.abort(reason),
    })
    // Held already: who hears of it may use it.
    live.log.status(live.session)
    closer.watch(live)
    // What began to drain meanwhile does not know of this session.
    if (intake.closed) await closer.close(live, 'server_shutdown')
    intake.requireOpen()
    return live.session
  }

  /** The live session; one that is being opened is given up first, which may come too late. */
  async #findOrGiveUp(orgId: OrgId, id: SessionId): Promise<LiveSession | undefined> {
    const { registry } = this.#deps.sessions
    const opening = registry.findOpening(orgId, id)
    opening?.giveUp(
      new KrownError('SESSION_NOT_CONNECTED', 'the session was closed while it was being opened'),
    )
    await opening?.opened.catch(() => {})
    return registry.find(orgId, id)
  }

  // What it was before may have ended meanwhile.
  async #reread(caller: Caller, session: Session): Promise<Session> {
    return session.endedAt === null ? this.#deps.sessions.finder.requireVisible(caller, session.id) : session
  }

  #requireRoom(): void {
    const { maxSessions, sessions } = this.#deps
    if (sessions.registry.size < maxSessions) return
    throw new KrownError('QUOTA_EXCEEDED', 'this Krown holds as many sessions as it may; try again later', {
      details: { limit: maxSessions },
    })
  }

  async #commandsWithin(timeoutMs: number): Promise<void> {
    const timeIsUp = defer<void>()
    const cancel = this.#deps.clock.setTimer(timeoutMs, timeIsUp.resolve)
    const open = this.#deps.sessions.registry.all().flatMap(({ commands }) => [...commands.values()])
    await Promise.race([Promise.all(open.map(({ command }) => command.done)), timeIsUp.promise])
    cancel()
  }

  #asItIsNow(session: Session): Session {
    return this.#deps.sessions.registry.find(session.orgId, session.id)?.session ?? session
  }
}

function onTargetOf({ targetId, username }: Pick<Session, 'targetId' | 'username'>): SessionOnTarget | null {
  return targetId === null ? null : { targetId, username }
}

function requireEnded(session: Session): Session {
  if (session.status === 'disconnected' || session.status === 'error') return session
  const holder = session.status === 'connected' ? 'another Krown process holds it' : 'it is being opened'
  throw new KrownError('CONFLICT', `the session cannot be closed here: ${holder}`)
}
