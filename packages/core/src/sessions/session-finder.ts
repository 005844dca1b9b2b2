import { requireRow } from '../access/decide.js'
import type { Permission } from '../access/permission-table.js'
import type { Caller } from '../auth/gate/gate.js'
import type { Db } from '../db/database.js'
import { findSession } from '../db/repositories/session.repository.js'
import { KrownError } from '../errors/krown-error.js'
import type { SessionId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import type { LiveSession } from './live-session.js'
import type { SessionRegistry } from './session-registry.js'

/** Finds a session for a caller: NOT_FOUND for what it may not see, FORBIDDEN for what it may only see. */
export class SessionFinder {
  readonly #db: Db
  readonly #registry: SessionRegistry

  constructor(deps: { db: Db; registry: SessionRegistry }) {
    this.#db = deps.db
    this.#registry = deps.registry
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
    if (live) requireRow(caller.subject, { wanted, visible: 'session:read', noun: 'session' }, live)
    else await this.#require(caller, id, wanted)
  }

  /** @throws KrownError SESSION_NOT_CONNECTED when this process does not hold it, or it is ending. */
  async requireLive(caller: Caller, id: SessionId, wanted: Permission): Promise<LiveSession> {
    const live = this.#registry.find(caller.actor.orgId, id)
    if (!live) throw notHeld(await this.#require(caller, id, wanted))
    requireRow(caller.subject, { wanted, visible: 'session:read', noun: 'session' }, live)
    if (live.endReason) throw live.endReason
    return live
  }

  async #require({ actor, subject }: Caller, id: SessionId, wanted: Permission): Promise<Session> {
    const live = this.#registry.find(actor.orgId, id)?.session
    const session = live ?? (await findSession(this.#db, actor.orgId, id))
    return requireRow(subject, { wanted, visible: 'session:read', noun: 'session' }, session)
  }
}

function notHeld({ status, statusReason }: Session): KrownError {
  const why = status === 'connected' ? 'another Krown process holds it' : `it is ${status}`
  return new KrownError('SESSION_NOT_CONNECTED', `the session cannot be used: ${why}`, {
    details: { status, statusReason },
  })
}
