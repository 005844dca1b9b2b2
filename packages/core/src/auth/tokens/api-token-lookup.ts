import type { Clock } from '../../base/clock.js'
import { ShortLivedCache } from '../../base/short-lived-cache.js'
import type { Db } from '../../db/database.js'
import {
  findApiTokenAcrossOrgs,
  noteApiTokenUse,
  type StoredApiToken,
} from '../../db/repositories/api-token.repository.js'
import type { ApiTokenId } from '../../model/ids.js'
import { unauthenticated } from '../unauthenticated.js'

/** A revocation by another process is seen so late. */
const MAX_AGE_MS = 2_000
const MAX_CACHED = 10_000
/** `lastUsedAt` is as exact as this, so that a busy token is not a write for each call. */
const USE_RESOLUTION_MS = 60_000

/** API tokens as the database has them: one query for each, remembered for a moment. */
export class ApiTokenLookup {
  readonly #db: Db
  readonly #clock: Clock
  readonly #cache: ShortLivedCache<StoredApiToken | undefined>
  readonly #uses: ShortLivedCache<void>

  constructor(deps: { db: Db; clock: Clock }) {
    this.#db = deps.db
    this.#clock = deps.clock
    const { clock } = deps
    this.#cache = new ShortLivedCache({ clock, maxAgeMs: MAX_AGE_MS, maxSize: MAX_CACHED })
    this.#uses = new ShortLivedCache({ clock, maxAgeMs: USE_RESOLUTION_MS, maxSize: MAX_CACHED })
  }

  /** @throws KrownError UNAUTHENTICATED when there is none, it was revoked or has expired. */
  async requireLive(id: ApiTokenId): Promise<StoredApiToken> {
    const token = await this.findLive(id)
    if (!token) throw unauthenticated()
    return token
  }

  /** Undefined when there is none, it was revoked or has expired. */
  async findLive(id: ApiTokenId): Promise<StoredApiToken | undefined> {
    const token = await this.#cache.get(id, () => findApiTokenAcrossOrgs(this.#db, id))
    return token && token.revokedAt === null && !this.#hasExpired(token) ? token : undefined
  }

  /** Makes a change of this process count at once. */
  invalidate(id: ApiTokenId): void {
    this.#cache.forget((key) => key === id)
  }

  /** Writes that the token was used, unless somebody did within the last minute. */
  async noteUse({ id, orgId }: StoredApiToken): Promise<void> {
    const at = this.#clock.now()
    const use = { id, at, ifBefore: at - USE_RESOLUTION_MS }
    const written = this.#uses.get(id, () => noteApiTokenUse(this.#db, orgId, use))
    // A nicety: no reason to refuse the call.
    await written.catch(() => {})
  }

  #hasExpired({ expiresAt }: StoredApiToken): boolean {
    return expiresAt !== null && expiresAt <= this.#clock.now()
  }
}
