import { type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { Gate } from '../../../src/auth/gate/gate.js'
import { systemClock } from '../../../src/base/clock.js'
import { newId } from '../../../src/base/ids.js'
import type { Db } from '../../../src/db/database.js'
import { findSealedSecret } from '../../../src/db/repositories/credential.repository.js'
import { Journal } from '../../../src/journal/journal.js'
import type { Actor } from '../../../src/model/actor.js'
import type { CredentialId, OrgId } from '../../../src/model/ids.js'
import type { OpenSessionInput } from '../../../src/model/open-session.js'
import { SessionPlanner } from '../../../src/sessions/session-planner.js'
import type { SshConnector, SshConnectRequest } from '../../../src/ssh/connector.js'
import { createInventory } from '../../../src/targets/create-inventory.js'
import type { CredentialSecrets } from '../../../src/targets/credentials/credential-secrets.js'
import type { OutboundPolicy } from '../../../src/targets/outbound/outbound-policy.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { type KrownFixture, krownStarter, loginTo } from '../../support/krown-fixture.js'
import { recordStatements } from '../db/recording.js'
import { addTarget } from './targets-fixture.js'

type Shown = Pick<HostileSshServer, 'hostKeyFingerprint'>

/** The parts that find the way to a host and dial it, over this handle; each host shows this key at once. */
function partsOver(db: Db, { database, actors }: KrownFixture, { hostKeyFingerprint: fingerprint }: Shown) {
  const actor: Actor = actors.operator
  const subject = { userId: actor.userId, role: 'operator', auditScope: 'own' }
  const gate = {
    run: (_: Actor, __: object, work: (caller: object) => unknown) => work({ actor, subject }),
  } as unknown as Gate
  const connector = {
    connect: async ({ verifyHostKey }: SshConnectRequest) => {
      await verifyHostKey({ algorithm: 'ssh-ed25519', fingerprint, blob: Buffer.alloc(0) })
      return {}
    },
  } as unknown as SshConnector
  const inventory = createInventory({
    settings: { hostKeyPolicy: 'accept-new', connectTimeout: 10_000 } as never,
    gate,
    store: { db, journal: new Journal({ database: { ...database, db }, clock: systemClock, newId }) },
    time: { clock: systemClock, newId },
    network: { connector, outbound: { checkRequest: () => {} } as unknown as OutboundPolicy },
    credentials: {
      secrets: {
        secretFor: (orgId: OrgId, id: CredentialId) => findSealedSecret(db, orgId, id),
      } as unknown as CredentialSecrets,
      provider: undefined,
    },
    stop: new AbortController().signal,
    countProbe: async () => {},
    onChanged: () => {},
  })
  return { ...inventory, planner: new SessionPlanner({ gate, ...inventory }) }
}

/** The tables that are read to open a session once more, in no order. */
async function tablesReadFor(fixture: KrownFixture, peer: Shown, input: OpenSessionInput) {
  const { operator: actor } = fixture.actors
  const openTimes = (times: number) =>
    recordStatements(fixture.database, async (db) => {
      const { planner, credentials, dialer } = partsOver(db, fixture, peer)
      for (let n = 0; n < times; n += 1) {
        const plan = await credentials.settle(actor, await planner.plan(actor, input))
        await dialer.dial(actor, plan, { given: undefined, signal: new AbortController().signal })
      }
    })
  const first = await openTimes(1)
  const another = (await openTimes(2)).slice(first.length)
  return another.map(({ sql }) => /from (?:"\w+"\.)?"(\w+)"/.exec(sql)?.[1] ?? sql).sort()
}

describeOnBothDatabases('the way to a host', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('takes one question for targets and rules, also by name, and no statement more than to an ad hoc host', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    await using _pinned = await fixture.open(peer)
    const adhoc = await tablesReadFor(fixture, peer, loginTo(peer))
    const { id: targetId } = await addTarget(fixture.admin, peer, { name: 'web1' })
    const keyBefore = 'known_host_keys'
    const keyShown = 'known_host_keys'
    for (const by of [{ targetId }, { targetName: 'web1' }]) {
      const tables = await tablesReadFor(fixture, peer, by)
      expect(tables).toEqual(['credentials', 'inventory_revisions', keyBefore, keyShown])
      expect(tables.length).toBeLessThanOrEqual(adhoc.length)
    }
    // The patterns of the organization might mean it, before it is dialled and when it shows its key.
    const patterns = ['inventory_revisions', 'inventory_revisions']
    expect(adhoc).toEqual([...patterns, keyBefore, keyShown])
  })
})
