import type { Clock } from '../../base/clock.js'
import { RecentlyEnded } from '../../base/recently-ended.js'
import type { CommandId, OrgId, SessionId } from '../../model/ids.js'
import type { Session } from '../../model/session.js'
import type { OutputHub } from '../output/output-hub.js'
import { OrgFeed, type OrgFeedReader } from './org-feed.js'
import { SessionLog } from './session-log.js'

export interface SessionEventsDeps {
  readonly clock: Clock
  /** The output of a command that is running, or kept. */
  findOutput(orgId: OrgId, id: CommandId): OutputHub | undefined
}

/** Of sessions that ended. */
const LIMITS = { maxBytes: 32 * 1024 * 1024, maxItems: 10_000 }

/** The events of all sessions of this process: a log for each, and a feed for who follows a whole organization. */
export class SessionEvents {
  readonly #deps: SessionEventsDeps
  readonly #live = new Map<SessionId, SessionLog>()
  readonly #ended: RecentlyEnded<SessionId, SessionLog>
  readonly #feeds = new Map<OrgId, OrgFeed>()
  #stopped = false

  constructor(deps: SessionEventsDeps) {
    this.#deps = deps
    this.#ended = new RecentlyEnded(deps.clock, LIMITS)
  }

  /** Krown ends: no event will follow, in no session. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** Called with the first status of a session, once its row is written. */
  begin(session: Session): SessionLog {
    const { id, orgId } = session
    const log = new SessionLog(session, {
      findOutput: (commandId) => this.#deps.findOutput(orgId, commandId),
      publish: (entry) => this.#feeds.get(orgId)?.publish(entry),
    })
    this.#live.set(id, log)
    log.status(session)
    return log
  }

  /** Called with the last status. */
  end(log: SessionLog, session: Session): void {
    log.end(session)
    this.#live.delete(session.id)
    this.#ended.keep(session.id, log, log.size)
  }

  /** Also for ten minutes after the session ended. */
  find(orgId: OrgId, id: SessionId): SessionLog | undefined {
    const log = this.#live.get(id) ?? this.#ended.find(id)
    return log?.orgId === orgId ? log : undefined
  }

  /** What happens in the organization from now on, without output; the reader has to be closed. */
  follow(orgId: OrgId): OrgFeedReader {
    const feed = this.#feeds.get(orgId) ?? new OrgFeed(() => this.#feeds.delete(orgId))
    this.#feeds.set(orgId, feed)
    return feed.open()
  }

  stop(): void {
    this.#stopped = true
    for (const { bell } of [...this.#live.values(), ...this.#feeds.values()]) bell.ring()
  }
}
