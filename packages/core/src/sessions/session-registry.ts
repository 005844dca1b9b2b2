import type { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, SessionId } from '../model/ids.js'
import type { SessionOnTarget } from '../targets/access-rules/target-access.js'
import type { LiveSession } from './live-session.js'

/** A session that is being opened. */
export interface OpeningSession {
  readonly id: SessionId
  readonly owner: Actor
  /** Null for an ad hoc host. */
  readonly onTarget: SessionOnTarget | null
  readonly opened: Promise<LiveSession>
  /** `opened` then rejects, unless it is too late for that. */
  giveUp(reason: KrownError): void
}

/** The sessions that this process holds. */
export class SessionRegistry {
  readonly #live = new Map<SessionId, LiveSession>()
  readonly #opening = new Map<SessionId, OpeningSession>()

  /** Live ones and those that are being opened. */
  get size(): number {
    return this.#live.size + this.#opening.size
  }

  /** Counts a session from the moment it begins to open, and holds it once it is open. */
  async admit(opening: OpeningSession): Promise<LiveSession> {
    this.#opening.set(opening.id, opening)
    try {
      const live = await opening.opened
      this.#live.set(live.id, live)
      return live
    } finally {
      this.#opening.delete(opening.id)
    }
  }

  /** Resolves when everything that is being opened now is open or has failed. */
  async settleOpenings(): Promise<void> {
    await Promise.allSettled(this.openings().map(({ opened }) => opened))
  }

  findOpening(orgId: OrgId, id: SessionId): OpeningSession | undefined {
    const opening = this.#opening.get(id)
    return opening?.owner.orgId === orgId ? opening : undefined
  }

  openings(): OpeningSession[] {
    return [...this.#opening.values()]
  }

  remove(id: SessionId): void {
    this.#live.delete(id)
  }

  find(orgId: OrgId, id: SessionId): LiveSession | undefined {
    const live = this.#live.get(id)
    return live?.orgId === orgId ? live : undefined
  }

  all(): LiveSession[] {
    return [...this.#live.values()]
  }
}
