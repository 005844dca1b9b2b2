import type { Subject } from '../access/decide.js'
import type { Clock } from '../base/clock.js'
import type { Db } from '../db/database.js'
import { findStanding, type Standing } from '../db/repositories/membership.repository.js'
import { isKrownError } from '../errors/krown-error.js'
import type { Actor, LoginActor } from '../model/actor.js'
import type { LoginId, OrgId, UserId } from '../model/ids.js'
import type { SubjectSource } from './gate.js'
import { unauthenticated } from './unauthenticated.js'

/** A change made by another process is seen so late; with a sweep as long it still takes effect within 5 s. */
const MAX_AGE_MS = 2_000
const MAX_CACHED = 10_000

type Who = Pick<Actor, 'userId' | 'orgId'> & Partial<Pick<LoginActor, 'loginId' | 'tokenVersion'>>

interface Cached {
  readonly userId: UserId
  readonly freshUntil: number
  readonly standing: Promise<Standing | undefined>
}

/** Who may do what right now: one query for each caller, remembered for a moment. */
export class Subjects implements SubjectSource {
  readonly #db: Db
  readonly #clock: Clock
  /** In the order in which they stop being fresh. */
  readonly #cache = new Map<string, Cached>()

  constructor(deps: { db: Db; clock: Clock }) {
    this.#db = deps.db
    this.#clock = deps.clock
  }

  async subjectOf(actor: Actor): Promise<Subject> {
    if (actor.kind === 'system') return { userId: actor.userId, role: 'admin', auditScope: 'org' }
    return toSubject(actor.userId, await this.requireStanding(actor))
  }

  /** @throws KrownError UNAUTHENTICATED when the user is disabled or gone, or the login was ended. */
  async requireStanding(who: Who): Promise<Standing> {
    const standing = await this.#standingOf(who)
    if (!standing || standing.disabled || !this.#isLoginGood(who, standing)) throw unauthenticated()
    return standing
  }

  /** What the user may be in that organization, whatever the login; undefined when disabled or no member. */
  async findSubject(orgId: OrgId, userId: UserId): Promise<Subject | undefined> {
    const standing = await this.#standingOf({ orgId, userId })
    return standing && !standing.disabled ? toSubject(userId, standing) : undefined
  }

  /** False once the actor would be refused as UNAUTHENTICATED, whatever it asks for. */
  async isStillGood(actor: Actor): Promise<boolean> {
    try {
      await this.subjectOf(actor)
      return true
    } catch (error) {
      if (isKrownError(error) && error.code === 'UNAUTHENTICATED') return false
      throw error
    }
  }

  /** Makes a change of this process count at once. */
  invalidate(userId: UserId): void {
    for (const [key, cached] of this.#cache) if (cached.userId === userId) this.#cache.delete(key)
  }

  #isLoginGood({ loginId, tokenVersion }: Who, { login, tokenVersion: current }: Standing): boolean {
    if (loginId === undefined) return true
    return login !== null && !login.revoked && login.endsAt > this.#clock.now() && tokenVersion === current
  }

  #standingOf({ orgId, userId, loginId }: Who): Promise<Standing | undefined> {
    const key = `${orgId} ${userId} ${loginId ?? ''}`
    const now = this.#clock.monotonic()
    const cached = this.#cache.get(key)
    if (cached && cached.freshUntil > now) return cached.standing
    const standing = findStanding(this.#db, orgId, { userId, loginId: loginId as LoginId | undefined })
    this.#remember(key, { userId, standing, freshUntil: now + MAX_AGE_MS })
    return standing
  }

  #remember(key: string, entry: Cached): void {
    this.#cache.delete(key)
    for (const [oldKey, { freshUntil }] of this.#cache) {
      if (freshUntil > this.#clock.monotonic() && this.#cache.size < MAX_CACHED) break
      this.#cache.delete(oldKey)
    }
    this.#cache.set(key, entry)
    // A failed query is nothing to remember.
    entry.standing.catch(() => {
      if (this.#cache.get(key) === entry) this.#cache.delete(key)
    })
  }
}

function toSubject(userId: UserId, { role, auditScope }: Standing): Subject {
  return { userId, role, auditScope }
}
