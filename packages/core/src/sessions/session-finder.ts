import { requireRow } from '../access/decide.js'
import type { Permission } from '../access/permission-table.js'
import type { Caller } from '../auth/gate/gate.js'
import type { Db } from '../db/database.js'
import { findSession } from '../db/repositories/session.repository.js'
import { KrownError } from '../errors/krown-error.js'
import type { SessionId, TargetId, UserId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import type { TargetAccess } from '../targets/access-rules/target-access.js'
import type { LiveSession } from './live-session.js'
import type { SessionRegistry } from './session-registry.js'

/** Finds a session for a caller: NOT_FOUND for what it may not see, FORBIDDEN for what it may only see. */
export class SessionFinder {
  readonly #db: Db
  readonly #registry: SessionRegistry
  readonly #access: Pick<TargetAccess, 'sightOfSessions'>

  constructor(deps: { db: Db; registry: SessionRegistry; access: Pick<TargetAccess, 'sightOfSessions'> }) {
    this.#db = deps.db
    this.#registry = deps.registry
    this.#access = deps.access
  }

  async requireVisible(caller: Caller, id: SessionId): Promise<Session> {
    return this.#require(caller, id, 'session:read')
  }

  /** The session as it is now, live or ended. */
  async requireAllowed(caller: Caller, id: SessionId, wanted: Permission): Promise<Session> {
    return this.#require(caller, id, wanted)
  }

  /** The same for who only wants to know whether it may: nothing is read of a session that this process holds. */
  async checkAllowed(caller: Caller, id: SessionId, wanted: Permission): Promise<void> {
    const live = this.#registry.find(caller.actor.orgId, id)
    if (live) await this.#requireRow(caller, wanted, live)
    else await this.#require(caller, id, wanted)
  }

  /** @throws KrownError SESSION_NOT_CONNECTED when this process does not hold it, or it is ending. */
  async requireLive(caller: Caller, id: SessionId, wanted: Permission): Promise<LiveSession> {
    const live = this.#registry.find(caller.actor.orgId, id)
    if (!live) throw notHeld(await this.#require(caller, id, wanted))
    await this.#requireRow(caller, wanted, live)
    if (live.endReason) throw live.endReason
    return live
  }

  /** Whether the rules of the caller's API token, if any name it, let it know of the session. */
  async isInSight(caller: Caller, id: SessionId): Promise<boolean> {
    const sight = await this.#access.sightOfSessions(caller)
    if (!sight) return true
    const session = await this.#find(caller, id)
    return session !== undefined && sight(session.targetId)
  }

  async #require(caller: Caller, id: SessionId, wanted: Permission): Promise<Session> {
    return this.#requireRow(caller, wanted, await this.#find(caller, id))
  }

  async #find({ actor: { orgId } }: Caller, id: SessionId): Promise<Session | undefined> {
    return this.#registry.find(orgId, id)?.session ?? findSession(this.#db, orgId, id)
  }

  async #requireRow<Row extends { readonly userId: UserId; readonly targetId: TargetId | null }>(
    caller: Caller,
    wanted: Permission,
    row: Row | undefined,
  ): Promise<Row> {
    const sight = await this.#access.sightOfSessions(caller)
    const seen = row && (sight?.(row.targetId) ?? true) ? row : undefined
    return requireRow(caller.subject, { wanted, visible: 'session:read', noun: 'session' }, seen)
  }
}

function notHeld({ status, statusReason }: Session): KrownError {
  const why = status === 'connected' ? 'another Krown process holds it' : `it is ${status}`
  return new KrownError('SESSION_NOT_CONNECTED', `the session cannot be used: ${why}`, {
    details: { status, statusReason },
  })
}
