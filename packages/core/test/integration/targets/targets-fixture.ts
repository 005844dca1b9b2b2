import { newId } from '../../../src/base/ids.js'
import type { CredentialId, OrgId, TargetId } from '../../../src/model/ids.js'
import type { KrownClient } from '../../../src/model/krown-client.js'
import type { CreateTargetInput, Target } from '../../../src/model/target.js'
import type { KrownFixture, Peer } from '../../support/krown-fixture.js'

/** Stores how to sign in on the peer, and gives back its id. */
export async function storePassword(
  client: KrownClient,
  { password }: { password: string },
): Promise<CredentialId> {
  return (await client.credentials.create({ name: newId(), kind: 'password', password })).id
}

/** Stores the key of the peer. */
export async function storeKey(client: KrownClient, { privateKey }: Peer): Promise<CredentialId> {
  return (await client.credentials.create({ name: newId(), kind: 'private_key', privateKey })).id
}

/** A target at the peer, with its key stored unless said otherwise. */
export async function addTarget(
  client: KrownClient,
  peer: Peer,
  changes: Partial<CreateTargetInput> = {},
): Promise<Target> {
  const { host, port, username } = peer
  const credentialId = 'credentialId' in changes ? changes.credentialId : await storeKey(client, peer)
  return client.targets.create({ name: `t-${newId()}`, host, port, username, ...changes, credentialId })
}

/** An admin of another organization. */
export async function adminElsewhere({ krown, db }: KrownFixture): Promise<KrownClient> {
  const orgId = newId<OrgId>()
  await db
    .insertInto('organizations')
    .values({ id: orgId, slug: orgId, name: 'Other', created_at: 0 })
    .execute()
  await krown.actors.system(orgId)
  const identity = {
    issuer: 'test',
    subject: newId(),
    displayName: 'elsewhere',
    role: 'admin',
    orgId,
  } as const
  return krown.as(await krown.actors.external(identity))
}

export const UNKNOWN_TARGET = '01890a5d-ac96-774b-bcce-b302099a8057' as TargetId
