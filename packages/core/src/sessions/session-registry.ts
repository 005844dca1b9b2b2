import type { OrgId, SessionId } from '../model/ids.js'
import type { LiveSession } from './live-session.js'

/** The sessions that this process holds. */
export class SessionRegistry {
  readonly #live = new Map<SessionId, LiveSession>()
  #opening = 0

  /** Live ones and those that are being opened. */
  get size(): number {
    return this.#live.size + this.#opening
  }

  /** Counts one that is being opened; call the result when it is open or failed. */
  reserve(): () => void {
    this.#opening += 1
    return () => {
      this.#opening -= 1
    }
  }

  add(session: LiveSession): void {
    this.#live.set(session.id, session)
  }

  remove(id: SessionId): void {
    this.#live.delete(id)
  }

  find(orgId: OrgId, id: SessionId): LiveSession | undefined {
    const live = this.#live.get(id)
    return live?.session.orgId === orgId ? live : undefined
  }

  all(): LiveSession[] {
    return [...this.#live.values()]
  }
}
