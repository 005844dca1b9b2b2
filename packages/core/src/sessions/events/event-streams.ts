import { requireRow } from '../../access/decide.js'
import { ASK_AGAIN_MS, AskedAgain } from '../../auth/gate/asked-again.js'
import type { Caller, Gate } from '../../auth/gate/gate.js'
import type { Bell } from '../../base/bell.js'
import type { Clock } from '../../base/clock.js'
import type { Db } from '../../db/database.js'
import { findSession } from '../../db/repositories/session.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { SessionId } from '../../model/ids.js'
import type { Session } from '../../model/session.js'
import type { SessionEvent, SessionEventsOptions } from '../../model/session-event.js'
import type { TargetAccess } from '../../targets/access-rules/target-access.js'
import type { SessionRegistry } from '../session-registry.js'
import { type Sees, seenBy } from './event-visibility.js'
import type { SessionEvents } from './session-events.js'
import type { SessionLog } from './session-log.js'
import { SessionLogReader } from './session-log-reader.js'

export interface EventStreamsDeps {
  readonly gate: Gate
  readonly access: Pick<TargetAccess, 'sightOfSessions'>
  readonly db: Db
  readonly clock: Clock
  readonly events: SessionEvents
  readonly registry: SessionRegistry
}

/** A place in a log or feed. */
interface EventReader {
  readonly bell: Bell
  /** There will be no more than `next` gives now. */
  readonly ended: boolean
  next(sees: Sees): SessionEvent | undefined
  close(): void
}

interface Found {
  readonly session: Session
  /** Undefined when this process does not hold the session, nor did a while ago. */
  readonly log: SessionLog | undefined
  readonly sees: Sees
}

type OfSession = SessionEventsOptions & { readonly sessionId: SessionId }

const RIGHTS = { wanted: 'session:read', visible: 'session:read', noun: 'session' } as const

/** Hands session events to callers: each sees what its rights cover by then. */
export class EventStreams {
  readonly #deps: EventStreamsDeps

  constructor(deps: EventStreamsDeps) {
    this.#deps = deps
  }

  /** See `KrownClient.sessions.events`. */
  async *events(actor: Actor, options: SessionEventsOptions): AsyncGenerator<SessionEvent> {
    const { sessionId } = options
    if (sessionId === undefined) yield* this.#everything(actor, options.signal)
    else yield* this.#ofSession(actor, { ...options, sessionId })
  }

  async *#everything(actor: Actor, signal: AbortSignal | undefined): AsyncGenerator<SessionEvent> {
    const { gate, clock, events } = this.#deps
    const ask = () => gate.run(actor, { permission: 'session:read' }, (caller) => this.#seenOfAll(caller))
    // Before the first await: nothing that happens from now on is missed.
    const reader = events.follow(actor.orgId)
    try {
      yield* this.#read(reader, new AskedAgain(clock, ask, await ask()), signal)
    } finally {
      reader.close()
    }
  }

  async *#ofSession(actor: Actor, options: OfSession): AsyncGenerator<SessionEvent> {
    const { gate, clock } = this.#deps
    const { sessionId, after, output = true, signal } = options
    const useCase = { permission: 'session:read', resource: { kind: 'session', id: sessionId } } as const
    const ask = () => gate.run(actor, useCase, (caller) => this.#find(caller, sessionId))
    const { session, log, sees } = await ask()
    if (!log) return yield* notHeld(session, after)
    const rights = new AskedAgain(clock, async () => (await ask()).sees, sees)
    const reader = new SessionLogReader(log, { after, output })
    try {
      if (after === undefined) yield this.#snapshot(log, reader.seq)
      yield* this.#read(reader, rights, signal)
    } finally {
      reader.close()
    }
  }

  /** Rights are asked for again before anything goes out, and while nothing does. */
  async *#read(
    reader: EventReader,
    rights: AskedAgain<Sees>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<SessionEvent> {
    const { clock, events } = this.#deps
    for (;;) {
      signal?.throwIfAborted()
      const event = reader.next(rights.fresh ?? (await rights.again()))
      if (event) yield event
      else if (reader.ended) return
      else if (events.stopped) throw new KrownError('DRAINING', 'Krown is shutting down')
      else await reader.bell.heard(clock, ASK_AGAIN_MS, signal)
    }
  }

  async #find(caller: Caller, id: SessionId): Promise<Found> {
    const { orgId } = caller.actor
    const log = this.#deps.events.find(orgId, id)
    const session = log?.session ?? (await findSession(this.#deps.db, orgId, id))
    const sight = await this.#deps.access.sightOfSessions(caller)
    const seen = session && (sight?.(session.targetId) ?? true) ? session : undefined
    return { session: requireRow(caller.subject, RIGHTS, seen), log, sees: seenBy(caller) }
  }

  async #seenOfAll(caller: Caller): Promise<Sees> {
    const sees = seenBy(caller)
    const sight = await this.#deps.access.sightOfSessions(caller)
    if (!sight) return sees
    const { orgId } = caller.actor
    return (entry) => {
      const session = entry.event && this.#deps.events.find(orgId, entry.event.sessionId)?.session
      return session !== undefined && sight(session.targetId) && sees(entry)
    }
  }

  // What a new reader begins with: how the session is, and the number after which to go on.
  #snapshot(log: SessionLog, seq: number): SessionEvent {
    const { orgId, sessionId } = log
    const live = this.#deps.registry.find(orgId, sessionId)
    return { type: 'session_status', sessionId, seq, session: live?.session ?? log.session }
  }
}

/** How many events there were is not known any more. */
function* notHeld(session: Session, after: number | undefined): Generator<SessionEvent> {
  const { id: sessionId, status } = session
  if (status === 'connecting' || status === 'connected') {
    throw new KrownError('UNAVAILABLE', 'another Krown process holds the session', { retryAfterMs: 1_000 })
  }
  let seq = after ?? 0
  if (after !== undefined) {
    seq += 1
    yield { type: 'gap', sessionId, seq, fromSeq: seq, toSeq: seq }
  }
  yield { type: 'session_status', sessionId, seq: seq + 1, session }
}
