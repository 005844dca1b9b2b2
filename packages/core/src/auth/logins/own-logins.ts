import type { Clock } from '../../base/clock.js'
import type { Db } from '../../db/database.js'
import { findLogin, listLiveLogins, revokeLogin } from '../../db/repositories/login.repository.js'
import { notFound } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { LoginId, UserId } from '../../model/ids.js'
import type { OwnLogin } from '../../model/login.js'
import type { Page, PageQuery } from '../../model/page.js'
import type { Gate } from '../gate/gate.js'

export interface OwnLoginsDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly onUserChanged: (userId: UserId) => void
}

/** Where the caller is signed in. */
export class OwnLogins {
  readonly #deps: OwnLoginsDeps

  constructor(deps: OwnLoginsDeps) {
    this.#deps = deps
  }

  async list(actor: Actor, query: PageQuery = {}): Promise<Page<OwnLogin>> {
    const { gate, db, clock } = this.#deps
    return gate.run(actor, { permission: 'self:manage' }, async () => {
      const page = await listLiveLogins(db, actor.orgId, {
        userId: actor.userId,
        at: clock.now(),
        query,
      })
      const current = actor.kind === 'login' ? actor.loginId : undefined
      return { ...page, items: page.items.map((login) => ({ ...login, current: login.id === current })) }
    })
  }

  /** Its tokens stop working within 5 s; ending what has ended is fine. @throws KrownError NOT_FOUND */
  async end(actor: Actor, id: LoginId): Promise<void> {
    const { gate, journal, clock, onUserChanged } = this.#deps
    const useCase = { permission: 'self:manage', resource: { kind: 'login', id } } as const
    await gate.run(actor, useCase, async () => {
      await journal.transact(
        actor.orgId,
        async (trx) => {
          const login = await findLogin(trx, actor.orgId, id)
          if (login?.userId !== actor.userId) throw notFound('login')
          return revokeLogin(trx, actor.orgId, { id, at: clock.now() })
        },
        (ended) => (ended ? [loginEnded(actor, id)] : []),
      )
      onUserChanged(actor.userId)
    })
  }
}

/** The entry of a login that its user ended. */
export function loginEnded(actor: Actor, id: LoginId): JournalDraft {
  return { action: 'login.ended', outcome: 'success', actor, resource: { kind: 'login', id } }
}
