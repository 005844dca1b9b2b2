import { parseTargetSelector } from '../../access/target-selector.js'
import type { Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Db, Trx } from '../../db/database.js'
import {
  type AccessRuleChanges,
  countAccessRules,
  deleteAccessRule,
  findAccessRule,
  insertAccessRule,
  listAccessRules,
  namesAccessSubject,
  updateAccessRule,
} from '../../db/repositories/access-rule.repository.js'
import { findApiToken } from '../../db/repositories/api-token.repository.js'
import { raiseInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import { findPerson } from '../../db/repositories/user.repository.js'
import { KrownError, notFound, validationError } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import {
  ACCESS_VERBS,
  type AccessRule,
  type AccessRuleQuery,
  type AccessSubject,
  type CreateAccessRuleInput,
  type RevokedAccessRule,
  type UpdateAccessRuleInput,
} from '../../model/access-rule.js'
import type { Actor } from '../../model/actor.js'
import type { AccessRuleId, OrgId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import { accessRuleChanged, accessRuleGranted, accessRuleRevoked } from './access-rule-entries.js'

/** Of one organization: all of them are kept in memory. */
const MAX_RULES = 5_000

export interface AccessRulesDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly time: { clock: Clock; newId: NewId }
  /** Called after this process changed rules. */
  readonly onChanged: (orgId: OrgId) => void
}

/** The access rules of an organization, as its admins make them and its auditors read them. */
export class AccessRules {
  readonly #deps: AccessRulesDeps

  constructor(deps: AccessRulesDeps) {
    this.#deps = deps
  }

  /** See `KrownClient.accessRules.list`. */
  async list(actor: Actor, query: AccessRuleQuery = {}): Promise<Page<AccessRule>> {
    return this.#deps.gate.run(actor, { permission: 'rule:read' }, () =>
      listAccessRules(this.#deps.db, actor.orgId, query),
    )
  }

  async get(actor: Actor, id: AccessRuleId): Promise<AccessRule> {
    const useCase = { permission: 'rule:read', resource: { kind: 'access_rule', id } } as const
    return this.#deps.gate.run(actor, useCase, () => requireRule(this.#deps.db, actor.orgId, id))
  }

  /** See `KrownClient.accessRules.create`. */
  async create(actor: Actor, { subject, ...input }: CreateAccessRuleInput): Promise<AccessRule> {
    return this.#deps.gate.run(actor, { permission: 'rule:manage' }, async () => {
      const { selector, verbs } = input
      const wanted = { subject, selector, verbs, ...this.#checked(input) }
      const { journal, onChanged } = this.#deps
      const rule = await journal.transact(
        actor.orgId,
        (trx) => this.#insert(trx, actor, wanted),
        (granted) => [accessRuleGranted(actor, granted)],
      )
      onChanged(actor.orgId)
      return rule
    })
  }

  /** See `KrownClient.accessRules.update`. */
  async update(actor: Actor, id: AccessRuleId, input: UpdateAccessRuleInput): Promise<AccessRule> {
    return this.#change(actor, id, async () => {
      const set = this.#checked(input)
      const { rule } = await this.#deps.journal.transact(
        actor.orgId,
        (trx) => change(trx, actor.orgId, { id, set }),
        ({ rule, isChanged }) => (isChanged ? [accessRuleChanged(actor, rule)] : []),
      )
      return rule
    })
  }

  /** See `KrownClient.accessRules.delete`. */
  async delete(actor: Actor, id: AccessRuleId): Promise<RevokedAccessRule> {
    return this.#change(actor, id, () =>
      this.#deps.journal.transact(
        actor.orgId,
        (trx) => remove(trx, actor.orgId, id),
        (rule) => [accessRuleRevoked(actor, rule)],
      ),
    )
  }

  #change<Changed extends AccessRule>(
    actor: Actor,
    id: AccessRuleId,
    work: () => Promise<Changed>,
  ): Promise<Changed> {
    const useCase = { permission: 'rule:manage', resource: { kind: 'access_rule', id } } as const
    return this.#deps.gate.run(actor, useCase, async () => {
      const rule = await work()
      this.#deps.onChanged(actor.orgId)
      return rule
    })
  }

  // Before the transaction: a selector that cannot be read needs none.
  #checked({ selector, verbs, expiresAt, ...input }: UpdateAccessRuleInput): AccessRuleChanges {
    if (selector !== undefined) parseTargetSelector(selector)
    return {
      ...definedIn({ selector, remoteUsernames: input.remoteUsernames, reason: input.reason }),
      ...(verbs && { verbs: ACCESS_VERBS.filter((verb) => verbs.includes(verb)) }),
      ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : this.#future(expiresAt) }),
    }
  }

  #future(expiresAt: string): number {
    const at = Date.parse(expiresAt)
    if (at > this.#deps.time.clock.now()) return at
    throw validationError([{ path: 'expiresAt', message: 'must be in the future' }])
  }

  async #insert(
    trx: Trx,
    { orgId, userId: grantedBy }: Actor,
    wanted: Pick<AccessRule, 'subject' | 'selector' | 'verbs'> & AccessRuleChanges,
  ): Promise<AccessRule> {
    await requireSubject(trx, orgId, wanted.subject)
    if ((await countAccessRules(trx, orgId)) >= MAX_RULES) throw tooMany()
    const { clock, newId } = this.#deps.time
    const id = newId<AccessRuleId>()
    const nothing = { remoteUsernames: null, expiresAt: null, reason: null }
    await insertAccessRule(trx, orgId, { ...nothing, ...wanted, id, grantedBy, createdAt: clock.now() })
    await raiseInventoryRevision(trx, orgId)
    return requireRule(trx, orgId, id)
  }
}

async function change(
  trx: Trx,
  orgId: OrgId,
  update: { id: AccessRuleId; set: AccessRuleChanges },
): Promise<{ rule: AccessRule; isChanged: boolean }> {
  const before = await requireRule(trx, orgId, update.id)
  if (!differs(before, update.set)) return { rule: before, isChanged: false }
  await updateAccessRule(trx, orgId, update)
  await raiseInventoryRevision(trx, orgId)
  return { rule: await requireRule(trx, orgId, update.id), isChanged: true }
}

function differs(before: AccessRule, { expiresAt, ...set }: AccessRuleChanges): boolean {
  const ends = before.expiresAt === null ? null : Date.parse(before.expiresAt)
  if (expiresAt !== undefined && expiresAt !== ends) return true
  return Object.entries(set).some(([field, value]) => {
    return JSON.stringify(value) !== JSON.stringify(before[field as keyof typeof set])
  })
}

async function remove(trx: Trx, orgId: OrgId, id: AccessRuleId): Promise<RevokedAccessRule> {
  const rule = await requireRule(trx, orgId, id)
  const { subject } = rule
  await deleteAccessRule(trx, orgId, id)
  await raiseInventoryRevision(trx, orgId)
  const tokenUnlimited = subject.kind === 'api_token' && !(await namesAccessSubject(trx, orgId, subject))
  return { ...rule, tokenUnlimited }
}

async function requireRule(db: Db, orgId: OrgId, id: AccessRuleId): Promise<AccessRule> {
  const rule = await findAccessRule(db, orgId, id)
  if (!rule) throw notFound('access rule')
  return rule
}

async function requireSubject(trx: Trx, orgId: OrgId, subject: AccessSubject): Promise<void> {
  if (subject.kind === 'user' && !(await findPerson(trx, orgId, subject.userId))) throw notFound('user')
  if (subject.kind === 'api_token' && !(await findApiToken(trx, orgId, subject.tokenId))) {
    throw notFound('API token')
  }
}

function definedIn<Given extends object>(given: Given): Partial<Given> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<Given>
}

function tooMany(): KrownError {
  return new KrownError('QUOTA_EXCEEDED', `an organization has at most ${MAX_RULES} access rules`, {
    details: { limit: MAX_RULES },
  })
}
