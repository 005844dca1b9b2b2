import type { Clock } from '../base/clock.js'
import type { Db } from '../db/database.js'
import { updateLiveSessionQuery } from '../db/repositories/session.repository.js'
import { KrownError } from '../errors/krown-error.js'
import type { Actor, SystemActor } from '../model/actor.js'
import type { OrgId, SessionId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import { accessEnded } from './access-ended.js'
import type { TerminationCause } from './commands/live-command.js'
import type { ResultJournal } from './commands/result-journal.js'
import type { SessionEvents } from './events/session-events.js'
import type { LiveSession } from './live-session.js'
import type { SessionRecordings } from './recordings/session-recordings.js'
import { sessionClosed } from './session-entries.js'
import type { SessionRegistry } from './session-registry.js'

/** Why a session ends; stored as `statusReason`. */
export type EndReason =
  | 'closed_by_user'
  | 'closed_by_admin'
  | 'idle_timeout'
  | 'connection_lost'
  | 'protocol_error'
  | 'server_shutdown'
  | 'server_restart'
  | 'user_disabled'
  | 'access_ended'

/** Somebody decided that what runs has to end. */
const WANTED: ReadonlySet<EndReason> = new Set([
  'closed_by_user',
  'closed_by_admin',
  'user_disabled',
  'access_ended',
])

/** The one who started it had no wish to end it. */
const LOST_ACCESS: ReadonlySet<EndReason> = new Set(['user_disabled', 'access_ended'])

interface Ending {
  readonly reason: EndReason
  /** Who wanted it; undefined where nobody did. */
  readonly actor: Actor | undefined
  readonly error: KrownError
}

export interface SessionCloserDeps {
  readonly db: Db
  readonly clock: Clock
  readonly results: ResultJournal
  readonly registry: SessionRegistry
  readonly events: SessionEvents
  /** Undefined when nothing is recorded. */
  readonly recordings: SessionRecordings | undefined
  systemActor(orgId: OrgId): Promise<SystemActor>
}

/** Ends sessions, whoever wants it: commands first, then the connection, then the row. */
export class SessionCloser {
  readonly #deps: SessionCloserDeps
  readonly #closing = new Map<SessionId, { live: LiveSession; closed: Promise<Session> }>()

  constructor(deps: SessionCloserDeps) {
    this.#deps = deps
  }

  /** Called once for each session: ends it when its connection does. */
  watch(live: LiveSession): void {
    void live.connection.closed.then((error) => {
      const reason = error.code === 'TARGET_PROTOCOL_ERROR' ? 'protocol_error' : 'connection_lost'
      return this.#closeOnce(live, { reason, actor: undefined, error })
    })
  }

  /**
   * Resolves when the session has ended; ending it twice is fine, and the first reason counts.
   *
   * @param actor Who wants it; left out when Krown itself does.
   */
  close(live: LiveSession, reason: EndReason, actor?: Actor): Promise<Session> {
    return this.#closeOnce(live, { reason, actor, error: endError(reason) })
  }

  /** Ends what another process has ended already, which took this one for dead: what it journaled stands. */
  closeSwept(live: LiveSession): Promise<Session> {
    live.swept = true
    return this.#closeOnce(live, {
      reason: 'server_restart',
      actor: undefined,
      error: new KrownError('SESSION_LOST', 'another Krown process took the holder of the session for dead'),
    })
  }

  /** Waits for every close that has begun; commands that wait for their readers do so no longer. */
  async settle(): Promise<void> {
    const begun = [...this.#closing.values()]
    for (const { live } of begun) hurryCommands(live)
    await Promise.all(begun.map(({ closed }) => closed))
  }

  #closeOnce(live: LiveSession, ending: Ending): Promise<Session> {
    const begun = this.#closing.get(live.id)
    if (begun !== undefined) {
      if (mustNotWait(live, ending)) hurryCommands(live)
      return begun.closed
    }
    const closed = this.#run(live, ending).finally(() => this.#closing.delete(live.id))
    this.#closing.set(live.id, { live, closed })
    return closed
  }

  async #run(live: LiveSession, { reason, actor, error }: Ending): Promise<Session> {
    live.startEnding(error)
    const cause: TerminationCause = WANTED.has(reason) ? 'cancelled' : 'interrupted'
    const open = [...live.commands.values()]
    const why = cause === 'interrupted' ? error : LOST_ACCESS.has(reason) ? accessEnded() : undefined
    const commands = Promise.all(open.map((command) => command.terminate(cause, why)))
    // Where the connection is gone already, commands end when their readers took what had arrived: the row of the
    // session need not wait for them.
    if (!live.connection.closedBecause) await commands
    await live.connection.close(error)
    const ended = this.#endedSession(live, reason)
    const ending = { reason, actor: actor ?? (await this.#systemFor(live)), error }
    await this.#record(ended, { ...ending, onlyIfStored: live.swept })
    this.#deps.registry.remove(live.id)
    await commands
    await this.#deps.recordings?.end(live)
    this.#deps.events.end(live.log, ended)
    return ended
  }

  #endedSession(live: LiveSession, reason: EndReason): Session {
    const endedAt = new Date(this.#deps.clock.now()).toISOString()
    return { ...live.session, status: 'disconnected', statusReason: reason, endedAt }
  }

  // The owner is better than no entry, where the system's own actor cannot be had just now.
  async #systemFor(live: LiveSession): Promise<Actor> {
    return this.#deps.systemActor(live.session.orgId).catch(() => live.owner)
  }

  async #record(
    session: Session,
    { onlyIfStored, ...ending }: Ending & { actor: Actor; onlyIfStored: boolean },
  ): Promise<void> {
    const { db, results } = this.#deps
    const set = {
      status: session.status,
      status_reason: ending.reason,
      ended_at: Date.parse(session.endedAt ?? ''),
      last_activity_at: Date.parse(session.lastActivityAt ?? ''),
      bytes_in: session.bytesIn,
      bytes_out: session.bytesOut,
    }
    const query = updateLiveSessionQuery(db, session.orgId, { id: session.id, set }).compile()
    const entry = sessionClosed(ending.actor, session, ending)
    await results.write({ orgId: session.orgId, queries: [query], entry, onlyIfStored })
  }
}

function hurryCommands({ commands }: LiveSession): void {
  for (const command of commands.values()) command.hurry()
}

/** A lost connection waits for who reads what had arrived, and a patient kill takes seconds. */
function mustNotWait({ connection }: LiveSession, { reason }: Ending): boolean {
  return reason === 'server_shutdown' || (WANTED.has(reason) && connection.closedBecause !== null)
}

function endError(reason: EndReason): KrownError {
  if (reason === 'server_shutdown') return new KrownError('DRAINING', 'Krown is shutting down')
  return new KrownError('SESSION_NOT_CONNECTED', `the session ended: ${reason.replaceAll('_', ' ')}`)
}
