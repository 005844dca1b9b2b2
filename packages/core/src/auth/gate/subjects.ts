import type { Subject } from '../../access/decide.js'
import type { Clock } from '../../base/clock.js'
import { ShortLivedCache } from '../../base/short-lived-cache.js'
import type { Db } from '../../db/database.js'
import { findStanding, type Standing } from '../../db/repositories/membership.repository.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { Actor, LoginActor } from '../../model/actor.js'
import type { ApiTokenId, OrgId, UserId } from '../../model/ids.js'
import type { ApiTokenLookup } from '../tokens/api-token-lookup.js'
import { unauthenticated } from '../unauthenticated.js'
import type { SubjectSource } from './gate.js'

/** A change made by another process is seen so late; with a sweep as long it still takes effect within 5 s. */
const MAX_AGE_MS = 2_000
const MAX_CACHED = 10_000

type Who = Pick<Actor, 'userId' | 'orgId'> & Partial<Pick<LoginActor, 'loginId' | 'tokenVersion'>>

/** Who may do what right now: one query for each caller, remembered for a moment. */
export class Subjects implements SubjectSource {
  readonly #db: Db
  readonly #clock: Clock
  readonly #apiTokens: ApiTokenLookup
  readonly #standings: ShortLivedCache<Standing | undefined>

  constructor(deps: { db: Db; clock: Clock; apiTokens: ApiTokenLookup }) {
    this.#db = deps.db
    this.#clock = deps.clock
    this.#apiTokens = deps.apiTokens
    this.#standings = new ShortLivedCache({
      clock: deps.clock,
      maxAgeMs: MAX_AGE_MS,
      maxSize: MAX_CACHED,
    })
  }

  async subjectOf(actor: Actor): Promise<Subject> {
    if (actor.kind === 'system') return { userId: actor.userId, role: 'admin', auditScope: 'org' }
    const subject = toSubject(actor.userId, await this.requireStanding(actor))
    if (actor.kind !== 'api_token') return subject
    const { scopes } = await this.#apiTokens.requireLive(actor.tokenId)
    return { ...subject, scopes }
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

  /** False once it was revoked or has expired. */
  async isTokenLive(id: ApiTokenId): Promise<boolean> {
    return (await this.#apiTokens.findLive(id)) !== undefined
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
    this.#standings.forget((key) => key.split(' ')[1] === userId)
  }

  #isLoginGood({ loginId, tokenVersion }: Who, { login, tokenVersion: current }: Standing): boolean {
    if (loginId === undefined) return true
    return login !== null && !login.revoked && login.endsAt > this.#clock.now() && tokenVersion === current
  }

  #standingOf({ orgId, userId, loginId }: Who): Promise<Standing | undefined> {
    return this.#standings.get(`${orgId} ${userId} ${loginId ?? ''}`, () =>
      findStanding(this.#db, orgId, { userId, loginId }),
    )
  }
}

function toSubject(userId: UserId, { role, auditScope }: Standing): Subject {
  return { userId, role, auditScope }
}
