import type { Clock } from '../base/clock.js'
import type { NewId } from '../base/ids.js'
import type { Db, Trx } from '../db/database.js'
import {
  countLiveSessions,
  insertSessionQuery,
  updateLiveSessionQuery,
} from '../db/repositories/session.repository.js'
import { isKrownError, KrownError } from '../errors/krown-error.js'
import type { Journal } from '../journal/journal.js'
import { ConditionNotMet } from '../journal/unit.js'
import type { Actor } from '../model/actor.js'
import type { NodeId, SessionId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import type { SshConnection } from '../ssh/connector.js'
import { type DialPlan, methodOf, type UnsettledPlan } from '../targets/dialing/dial-plan.js'
import type { HopCredentials } from '../targets/dialing/hop-credentials.js'
import type { TargetDialer } from '../targets/dialing/target-dialer.js'
import type { VerifiedHostKey } from '../targets/host-keys/host-keys.js'
import type { ResultJournal } from './commands/result-journal.js'
import type { SessionEvents } from './events/session-events.js'
import type { SessionLog } from './events/session-log.js'
import { LiveSession } from './live-session.js'
import { sessionOpened, sessionOpenFailed, sessionOpening } from './session-entries.js'
import { SessionStatements } from './session-statements.js'

export interface SessionLimits {
  readonly perUser: number
  readonly perOrg: number
  readonly channelsPerSession: number
}

export interface SessionOpenerDeps {
  readonly store: { db: Db; journal: Journal; results: ResultJournal }
  readonly time: { clock: Clock; newId: NewId }
  readonly nodeId: NodeId
  readonly events: SessionEvents
  readonly limits: SessionLimits
  readonly dialing: { dialer: TargetDialer; credentials: HopCredentials }
}

/** Where a session is to go. */
export interface OpenRequest {
  readonly plan: UnsettledPlan
  /** The only host key that the caller accepts, if it said. */
  readonly given: string | undefined
}

/** A request that has got its id. */
export interface Opening extends OpenRequest {
  readonly actor: Actor
  readonly id: SessionId
  readonly createdAt: number
}

/** One for which every credential is known. */
interface SettledOpening extends Opening {
  readonly plan: DialPlan
}

/** One whose row is written. */
interface BegunOpening extends SettledOpening {
  readonly log: SessionLog
}

/** Opens sessions: credentials that others have, row and intent, policy, dial, host key, credential, row again. */
export class SessionOpener {
  readonly #deps: SessionOpenerDeps
  readonly #statements: SessionStatements

  constructor(deps: SessionOpenerDeps) {
    this.#deps = deps
    this.#statements = new SessionStatements(deps.store.db)
  }

  prepare(actor: Actor, request: OpenRequest): Opening {
    const { clock, newId } = this.#deps.time
    return { ...request, actor, id: newId(), createdAt: clock.now() }
  }

  /** @throws KrownError with `details.sessionId` once the row exists: it is kept, with status `error`. */
  async open(request: Opening, signal: AbortSignal): Promise<LiveSession> {
    const { credentials } = this.#deps.dialing
    const opening = { ...request, plan: await credentials.settle(request.actor, request.plan, signal) }
    try {
      await this.#writeIntent(opening)
    } catch (error) {
      // A commit whose answer was lost may have taken place all the same. The caller need not wait for this.
      if (isKrownError(error) && error.code === 'AUDIT_UNAVAILABLE') void this.#writeFailure(opening, error)
      throw error
    }
    const begun = { ...opening, log: this.#deps.events.begin(newSession(opening)) }
    try {
      return await this.#connect(begun, signal)
    } catch (error) {
      throw await this.#recordFailure(begun, error)
    }
  }

  // In the transaction that inserts the row, so that racing opens cannot both take the last place.
  async #writeIntent(opening: SettledOpening): Promise<void> {
    const { actor, id, plan } = opening
    const { orgId, userId } = actor
    const { perUser, perOrg } = this.#deps.limits
    const room = { ...this.#statements.hasRoom({ orgId, userId, perUser, perOrg }), mustTouch: 1 }
    const insert = this.#statements.insert(this.#row(opening))
    const entry = sessionOpening(actor, id, plan)
    try {
      await this.#deps.store.journal.write(orgId, [room, insert], [entry])
    } catch (error) {
      if (!(error instanceof ConditionNotMet)) throw error
      await this.#writeIntentByCounting(opening)
    }
  }

  /** The same in more steps, which can say what is full. */
  async #writeIntentByCounting(opening: SettledOpening): Promise<void> {
    const { actor, id, plan } = opening
    await this.#deps.store.journal.transact(
      actor.orgId,
      async (trx) => {
        await this.#requireRoom(trx, actor)
        await insertSessionQuery(trx, actor.orgId, this.#row(opening)).execute()
      },
      () => [sessionOpening(actor, id, plan)],
    )
  }

  async #requireRoom(trx: Trx, { orgId, userId }: Actor): Promise<void> {
    const { perUser, perOrg } = this.#deps.limits
    const { ofUser, ofOrg } = await countLiveSessions(trx, orgId, userId)
    if (ofUser >= perUser) throw tooManySessions('you have', perUser)
    if (ofOrg >= perOrg) throw tooManySessions('your organization has', perOrg)
  }

  #row({ actor, id, plan: { last }, createdAt }: SettledOpening) {
    return {
      id,
      org_id: actor.orgId,
      user_id: actor.userId,
      target_id: last.targetId,
      node_id: this.#deps.nodeId,
      host: last.host,
      port: last.port,
      username: last.username,
      auth_method: methodOf(last.auth),
      status: 'connecting' as const,
      host_key_newly_pinned: 0 as const,
      client_ip: actor.clientIp,
      created_at: createdAt,
      bytes_in: 0,
      bytes_out: 0,
    }
  }

  async #connect(opening: BegunOpening, signal: AbortSignal): Promise<LiveSession> {
    const { actor, plan, given } = opening
    const { connection, key } = await this.#deps.dialing.dialer.dial(actor, plan, { given, signal })
    try {
      return await this.#recordSuccess(opening, connection, key)
    } catch (error) {
      await connection.close(
        new KrownError('AUDIT_UNAVAILABLE', 'the journal cannot be written', { cause: error }),
      )
      throw error
    }
  }

  async #recordSuccess(
    opening: BegunOpening,
    connection: SshConnection,
    key: VerifiedHostKey,
  ): Promise<LiveSession> {
    const { store, time, limits } = this.#deps
    const { actor, id, log } = opening
    const connectedAt = time.clock.now()
    const set = {
      status: 'connected' as const,
      connected_at: connectedAt,
      last_activity_at: connectedAt,
      host_key_fingerprint: key.fingerprint,
      host_key_newly_pinned: key.newlyPinned ? (1 as const) : (0 as const),
    }
    const query = this.#statements.connect({ orgId: actor.orgId, id, ...set })
    await store.journal.write(actor.orgId, [query], [sessionOpened(actor, id, key)])
    return new LiveSession({
      clock: time.clock,
      owner: actor,
      session: connectedSession(log.session, connectedAt, key),
      connection,
      log,
      maxChannels: limits.channelsPerSession,
    })
  }

  /** Keeps the row with what went wrong, and names it in the error. */
  async #recordFailure(opening: BegunOpening, error: unknown): Promise<KrownError> {
    const known = isKrownError(error)
      ? error
      : new KrownError('INTERNAL', 'the session could not be opened', { cause: error })
    const failed = await this.#writeFailure(opening, known)
    this.#deps.events.end(opening.log, { ...opening.log.session, ...failed })
    return new KrownError(known.code, known.message, {
      details: { ...known.details, sessionId: opening.id },
      cause: error,
      ...(known.retryAfterMs !== undefined && { retryAfterMs: known.retryAfterMs }),
    })
  }

  async #writeFailure({ actor, id }: Opening, error: KrownError): Promise<Partial<Session>> {
    const { store, time } = this.#deps
    const { orgId } = actor
    const endedAt = time.clock.now()
    const statusReason = error.code.toLowerCase()
    const set = { status: 'error', status_reason: statusReason, ended_at: endedAt } as const
    const query = updateLiveSessionQuery(store.db, orgId, { id, set }).compile()
    const entry = sessionOpenFailed(actor, id, error)
    await store.results.write({ orgId, queries: [query], entry, onlyIfStored: true })
    return { status: 'error', statusReason, endedAt: new Date(endedAt).toISOString() }
  }
}

function newSession({ actor, id, plan: { last }, createdAt }: SettledOpening): Session {
  return {
    id,
    orgId: actor.orgId,
    userId: actor.userId,
    ownerName: actor.username,
    targetId: last.targetId,
    targetName: last.targetId === null ? null : last.name,
    host: last.host,
    port: last.port,
    username: last.username,
    authMethod: methodOf(last.auth),
    status: 'connecting',
    statusReason: null,
    hostKeyFingerprint: null,
    hostKeyNewlyPinned: false,
    createdAt: new Date(createdAt).toISOString(),
    connectedAt: null,
    lastActivityAt: null,
    endedAt: null,
    bytesIn: 0,
    bytesOut: 0,
  }
}

function connectedSession(opening: Session, connectedAtMs: number, key: VerifiedHostKey): Session {
  const connectedAt = new Date(connectedAtMs).toISOString()
  return {
    ...opening,
    status: 'connected',
    hostKeyFingerprint: key.fingerprint,
    hostKeyNewlyPinned: key.newlyPinned,
    connectedAt,
    lastActivityAt: connectedAt,
  }
}

function tooManySessions(who: string, limit: number): KrownError {
  return new KrownError('QUOTA_EXCEEDED', `${who} ${limit} open sessions; close one first`, {
    details: { limit },
  })
}
