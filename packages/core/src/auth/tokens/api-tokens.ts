import { requireRow } from '../../access/decide.js'
import type { Db, Trx } from '../../db/database.js'
import { findApiToken, listApiTokens, revokeApiToken } from '../../db/repositories/api-token.repository.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { ApiToken, CreateApiTokenInput, NewApiToken } from '../../model/api-token.js'
import type { ApiTokenId } from '../../model/ids.js'
import type { Page, PageQuery } from '../../model/page.js'
import type { Caller, Gate } from '../gate/gate.js'
import type { ApiTokenIssuer } from './api-token-issuer.js'
import type { ApiTokenLookup } from './api-token-lookup.js'

export interface ApiTokensDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly issuer: ApiTokenIssuer
  readonly lookup: ApiTokenLookup
  readonly onUserChanged: (userId: Actor['userId']) => void
}

const OWN = { wanted: 'token:manage', visible: 'token:manage', noun: 'API token' } as const

/** The API tokens of the caller, who is signed in: a token reaches none of this. */
export class ApiTokens {
  readonly #deps: ApiTokensDeps

  constructor(deps: ApiTokensDeps) {
    this.#deps = deps
  }

  /** @throws KrownError FORBIDDEN, VALIDATION_FAILED; QUOTA_EXCEEDED when the caller has too many. */
  async create(actor: Actor, input: CreateApiTokenInput): Promise<NewApiToken> {
    return this.#deps.gate.run(actor, { permission: 'token:manage' }, () =>
      this.#deps.issuer.issue(actor, actor, input),
    )
  }

  /** The caller's own, newest first; revoked and expired ones too. */
  async list(actor: Actor, query: PageQuery = {}): Promise<Page<ApiToken>> {
    return this.#deps.gate.run(actor, { permission: 'token:manage' }, () =>
      listApiTokens(this.#deps.db, actor.orgId, {
        userId: actor.userId,
        query,
      }),
    )
  }

  /**
   * At once in this process, within 5 s in others. Revoking twice is fine.
   *
   * @throws KrownError NOT_FOUND for whatever is not the caller's own.
   */
  async revoke(actor: Actor, id: ApiTokenId): Promise<ApiToken> {
    const useCase = { permission: 'token:manage', resource: { kind: 'api_token', id } } as const
    return this.#deps.gate.run(actor, useCase, async (caller) => {
      const { journal, lookup, onUserChanged } = this.#deps
      const { token } = await journal.transact(
        actor.orgId,
        (trx) => this.#revoke(trx, caller, id),
        (result) => (result.isNew ? [tokenRevoked(actor, result.token)] : []),
      )
      lookup.invalidate(id)
      onUserChanged(actor.userId)
      return token
    })
  }

  async #revoke(
    trx: Trx,
    { actor, subject }: Caller,
    id: ApiTokenId,
  ): Promise<{ token: ApiToken; isNew: boolean }> {
    const before = requireRow(subject, OWN, await findApiToken(trx, actor.orgId, id))
    const at = this.#deps.issuer.now()
    const isNew = await revokeApiToken(trx, actor.orgId, { id, at })
    return { token: (await findApiToken(trx, actor.orgId, id)) ?? before, isNew }
  }
}

function tokenRevoked(actor: Actor, token: ApiToken): JournalDraft {
  return {
    action: 'token.revoked',
    outcome: 'success',
    actor,
    resource: { kind: 'api_token', id: token.id },
    details: { token: token.name },
  }
}
