import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Database, Trx } from '../../db/database.js'
import { insertAccessRule } from '../../db/repositories/access-rule.repository.js'
import {
  findInventoryRevision,
  raiseInventoryRevision,
} from '../../db/repositories/inventory-revision.repository.js'
import { findStanding, insertMembership } from '../../db/repositories/membership.repository.js'
import { ensureOrganization, organizationExists } from '../../db/repositories/organization.repository.js'
import { ensureSystemUserAcrossOrgs, SYSTEM_USER_ID } from '../../db/repositories/user.repository.js'
import { notFound } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { CallOrigin, SystemActor } from '../../model/actor.js'
import type { AccessRuleId, OrgId } from '../../model/ids.js'

/** Vouches for the system user; no embedding program may use it. */
export const SYSTEM_ISSUER = 'krown'
const SYSTEM_NAME = 'system'

/** Where users go who belong nowhere else, and where matters of the whole instance are journaled. */
export interface HomeOrg {
  readonly orgId: OrgId
  readonly system: SystemActor
}

export interface HomeOrgDeps {
  readonly database: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
}

/** Finds the organization `default`, and makes it the first time; several processes may start at once. */
export async function openHomeOrg(deps: HomeOrgDeps): Promise<HomeOrg> {
  const orgId = await ensureOrganization(deps.database.db, {
    id: deps.newId(),
    slug: 'default',
    name: 'Default',
    createdAt: deps.clock.now(),
  })
  return { orgId, system: await ensureSystemActor(deps, orgId) }
}

/**
 * The actor of Krown's own jobs in that organization; it owns rows there, so it is a member.
 *
 * @throws KrownError NOT_FOUND when there is no such organization.
 */
export async function ensureSystemActor(
  { database, journal, clock, newId }: HomeOrgDeps,
  orgId: OrgId,
): Promise<SystemActor> {
  const actor = systemActorOf(orgId)
  const member = { userId: SYSTEM_USER_ID, loginId: undefined }
  if (await findStanding(database.db, orgId, member)) return actor
  if (!(await organizationExists(database.db, orgId))) throw notFound('organization')
  await journal.transact(
    orgId,
    async (trx) => {
      // Under the head's lock: of several processes, one inserts.
      if (await findStanding(trx, orgId, member)) return false
      await insertSystemMember(trx, orgId, clock.now())
      await grantToOperators(trx, orgId, { id: newId(), createdAt: clock.now() })
      return true
    },
    (inserted) => (inserted ? [organizationCreated(actor)] : []),
  )
  return actor
}

/** The system acting on behalf of a caller who is not signed in, for the journal. */
export function onBehalfOf(system: SystemActor, { clientIp, requestId }: CallOrigin): SystemActor {
  return { ...system, clientIp, requestId }
}

function systemActorOf(orgId: OrgId): SystemActor {
  return { kind: 'system', userId: SYSTEM_USER_ID, orgId, username: SYSTEM_NAME, clientIp: null }
}

async function insertSystemMember(trx: Trx, orgId: OrgId, createdAt: number): Promise<void> {
  await ensureSystemUserAcrossOrgs(trx, {
    id: SYSTEM_USER_ID,
    display_name: SYSTEM_NAME,
    external_issuer: SYSTEM_ISSUER,
    external_subject: SYSTEM_NAME,
    is_instance_admin: 0,
    token_version: 0,
    created_at: createdAt,
  })
  await insertMembership(trx, orgId, { userId: SYSTEM_USER_ID, role: 'admin', createdAt })
}

/** The rule that an organization begins with. Not where somebody has been before, who may have taken it away. */
async function grantToOperators(
  trx: Trx,
  orgId: OrgId,
  made: { id: AccessRuleId; createdAt: number },
): Promise<void> {
  if ((await findInventoryRevision(trx, orgId)) > 0) return
  await insertAccessRule(trx, orgId, {
    ...made,
    subject: { kind: 'role', role: 'operator' },
    selector: '*',
    // What others do is theirs: to watch it takes a rule of its own.
    verbs: ['exec', 'shell', 'transfer'],
    remoteUsernames: null,
    expiresAt: null,
    reason: null,
    grantedBy: null,
  })
  await raiseInventoryRevision(trx, orgId)
}

function organizationCreated(actor: SystemActor): JournalDraft {
  return {
    action: 'organization.created',
    outcome: 'success',
    actor,
    resource: { kind: 'organization', id: actor.orgId },
  }
}
