import { type HostileSshServer, waitFor } from '@krown/testkit'
import { newId } from '../../../src/base/ids.js'
import type { CreateAccessRuleInput } from '../../../src/model/access-rule.js'
import type { ExternalActor } from '../../../src/model/actor.js'
import type { CreateApiTokenInput } from '../../../src/model/api-token.js'
import type { OrgId, SessionId, TargetId } from '../../../src/model/ids.js'
import type { KrownClient } from '../../../src/model/krown-client.js'
import type { CreateTargetInput, Target } from '../../../src/model/target.js'
import type { Role } from '../../../src/model/user.js'
import type { KrownFixture, Person } from '../../support/krown-fixture.js'

/** The rule that an organization begins with is taken away: who reaches something does so by a rule of the test. */
export async function withoutRules(fixture: KrownFixture): Promise<KrownFixture> {
  const { items } = await fixture.admin.accessRules.list()
  for (const { id } of items) await fixture.admin.accessRules.delete(id)
  return fixture
}

/** A target where nobody listens. */
export function addTarget(fixture: KrownFixture, changes: Partial<CreateTargetInput>): Promise<Target> {
  const input = { name: 'web1', host: '127.0.0.1', port: 1, username: 'root', probe: false }
  return fixture.admin.targets.create({ ...input, ...changes })
}

/** The server, with its host key pinned. */
export function addServer(
  fixture: KrownFixture,
  { host, port, username }: HostileSshServer,
  changes: Partial<CreateTargetInput> = {},
): Promise<Target> {
  return fixture.admin.targets.create({ name: 'web1', host, port, username, tags: ['prod'], ...changes })
}

export function grant(fixture: KrownFixture, changes: Partial<CreateAccessRuleInput> = {}) {
  const rule = { subject: { kind: 'role', role: 'operator' }, selector: '*', verbs: ['exec'] } as const
  return fixture.admin.accessRules.create({ ...rule, verbs: [...rule.verbs], ...changes })
}

export function openOn(client: KrownClient, targetId: TargetId, { password }: HostileSshServer) {
  return client.sessions.open({ targetId, auth: { method: 'password', password } })
}

/** Waits for the end, and says its reason. */
export async function reasonOfEnd(fixture: KrownFixture, id: SessionId): Promise<string | null> {
  const ended = await waitFor(
    async () => {
      const session = await fixture.admin.sessions.get(id)
      return session.status === 'disconnected' && session
    },
    { what: 'the end of the session' },
  )
  return ended.statusReason
}

/** Somebody of another organization. */
export async function foreigner(fixture: KrownFixture, role: Role): Promise<ExternalActor> {
  const orgId = newId<OrgId>()
  const row = { id: orgId, slug: orgId, name: 'Other', created_at: 0 }
  await fixture.db.insertInto('organizations').values(row).execute()
  await fixture.krown.actors.system(orgId)
  const identity = { issuer: 'test', subject: `${orgId} ${role}`, displayName: 'foreign', role, orgId }
  return fixture.krown.actors.external(identity)
}

/** The user's client with an API token instead of the login. */
export async function byToken(
  fixture: KrownFixture,
  person: Person,
  changes: Partial<CreateApiTokenInput> = {},
) {
  const { id, token } = await fixture.as(person).tokens.create({ name: 'program', ...changes })
  const actor = await fixture.krown.auth.authenticate(token, { clientIp: null })
  return { tokenId: id, client: fixture.krown.as(actor) }
}
