import type { OrgId, SessionId } from '../model/ids.js'
import type { LiveSession } from './live-session.js'

/** The sessions that this process holds. */
export class SessionRegistry {
  readonly #live = new Map<SessionId, LiveSession>()
  readonly #opening = new Set<Promise<LiveSession>>()

  /** Live ones and those that are being opened. */
  get size(): number {
    return this.#live.size + this.#opening.size
  }

  /** Counts a session from the moment it begins to open, and holds it once it is open. */
  async admit(opening: Promise<LiveSession>): Promise<LiveSession> {
    this.#opening.add(opening)
    try {
      const live = await opening
      this.#live.set(live.id, live)
      return live
    } finally {
      this.#opening.delete(opening)
    }
  }

  /** Resolves when everything that is being opened now is open or has failed. */
  async settleOpenings(): Promise<void> {
    await Promise.allSettled(this.#opening)
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
