import type { Clock } from '../../base/clock.js'
import type { Db, Trx } from '../../db/database.js'
import {
  findInviteAcrossOrgs,
  type StoredInvite,
  useInvite,
} from '../../db/repositories/invite.repository.js'
import { findStanding } from '../../db/repositories/membership.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { UserId } from '../../model/ids.js'
import { isTokenSecret } from '../tokens/secret-token.js'
import { inviteFormat } from './invite-format.js'

/** Where invites are presented. */
export class InviteDesk {
  readonly #deps: { readonly db: Db; readonly clock: Clock }

  constructor(deps: { db: Db; clock: Clock }) {
    this.#deps = deps
  }

  /** @throws KrownError FORBIDDEN, the same for every cause. */
  async check(token: string): Promise<StoredInvite> {
    const presented = inviteFormat.parse(token)
    const invite = presented && (await findInviteAcrossOrgs(this.#deps.db, presented.id))
    if (!presented || !invite || !isTokenSecret(presented.secret, invite.secretHash)) throw refused()
    if (invite.isSpent || invite.expiresAt <= this.#deps.clock.now()) throw refused()
    return invite
  }

  /**
   * Of two who register at once with the same invite, the second is refused; and whoever comes with one whose maker
   * could not make it now.
   *
   * @throws KrownError FORBIDDEN
   */
  async use(trx: Trx, { id, orgId, createdBy }: StoredInvite, userId: UserId): Promise<void> {
    const maker = await findStanding(trx, orgId, { userId: createdBy, loginId: undefined })
    if (!maker || maker.disabled || maker.role !== 'admin') throw refused()
    if (!(await useInvite(trx, orgId, { id, at: this.#deps.clock.now(), userId }))) throw refused()
  }
}

function refused(): KrownError {
  return new KrownError('FORBIDDEN', 'the invite is not good, or not any more: ask an admin for another')
}
