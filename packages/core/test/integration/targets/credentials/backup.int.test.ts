import { createTempDir } from '@krown/testkit'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createKrown } from '../../../../src/create-krown.js'
import { configFor, refusalOf, startKrown } from '../../../support/krown-fixture.js'
import { keyIdOf, newMasterKey, secretsOf } from './credentials-fixture.js'

test('J11: a backup is restored on a clean machine with the master key, and is useless without it', async () => {
  await using machine = await createTempDir()
  const masterKey = newMasterKey()
  await using fixture = await startKrown({ config: { vault: { masterKey } } })
  const input = { name: 'one', kind: 'password', password: 'x' } as const
  const { id, orgId } = await fixture.admin.credentials.create(input)
  // Beside a gateway that runs, as the documents say.
  await sql`vacuum into ${`${machine.path}/krown.db`}`.execute(fixture.db)
  await fixture.krown.close()

  const place = { kind: 'sqlite', file: `${machine.path}/krown.db` } as const
  for (const vault of [{ masterKey: '' }, { masterKey: newMasterKey() }]) {
    const refused = await refusalOf(createKrown(configFor(place, { vault })))
    expect(JSON.stringify(refused.details)).toContain(`key ${keyIdOf(masterKey)} is needed`)
  }
  await using restored = await startKrown({ place, config: { vault: { masterKey } } })
  expect(await secretsOf(restored).secretFor(orgId, id)).toEqual({ method: 'password', password: 'x' })
  expect(await restored.admin.journal.verify()).toMatchObject({ ok: true })
})
