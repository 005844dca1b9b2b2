import { join } from 'node:path'
import { createTempDir, findPostgresInstallation, startPostgres } from '@krown/testkit'
import { runProcess } from '@krown/testkit/child-process'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createKrown } from '../../../../src/create-krown.js'
import type { DatabasePlace } from '../../../support/databases.js'
import { configFor, type KrownFixture, refusalOf, startKrown } from '../../../support/krown-fixture.js'
import { keyIdOf, newMasterKey, secretsOf } from './credentials-fixture.js'

const installation = findPostgresInstallation()

/** Opens what was restored: with no master key, with another, and with the right one. */
async function requireMasterKey(place: DatabasePlace, masterKey: string, before: Stored) {
  for (const vault of [{ masterKey: '' }, { masterKey: newMasterKey() }]) {
    const refused = await refusalOf(createKrown(configFor(place, { vault })))
    expect(JSON.stringify(refused.details)).toContain(`key ${keyIdOf(masterKey)} is needed`)
  }
  await using restored = await startKrown({ place, config: { vault: { masterKey } } })
  const { orgId, id, entries } = before
  expect(await secretsOf(restored).secretFor(orgId, id)).toEqual({ method: 'password', password: 'x' })
  expect(await restored.admin.journal.verify()).toMatchObject({ ok: true })
  expect((await restored.entries()).slice(0, entries.length)).toEqual(entries)
}

type Stored = Awaited<ReturnType<typeof storeOne>>

async function storeOne(fixture: KrownFixture) {
  const input = { name: 'one', kind: 'password', password: 'x' } as const
  const { id, orgId } = await fixture.admin.credentials.create(input)
  return { id, orgId, entries: await fixture.entries() }
}

test('J11: a backup is restored on a clean machine with the master key, and is useless without it', async () => {
  await using machine = await createTempDir()
  const masterKey = newMasterKey()
  await using fixture = await startKrown({ config: { vault: { masterKey } } })
  const stored = await storeOne(fixture)
  const file = join(machine.path, 'krown.db')
  // Beside a gateway that runs, as the documents say.
  await sql`vacuum into ${file}`.execute(fixture.db)
  await fixture.krown.close()
  await requireMasterKey({ kind: 'sqlite', file }, masterKey, stored)
})

test.skipIf(!installation)('J11: so is a dump of PostgreSQL, in an empty database', async () => {
  if (!installation) throw new Error('skipped')
  await using machine = await createTempDir()
  await using server = await startPostgres({ binaries: installation })
  const masterKey = newMasterKey()
  const dumped = { kind: 'postgres', url: await server.createDatabase(), schema: 'krown' } as const
  await using fixture = await startKrown({ place: dumped, config: { vault: { masterKey } } })
  const stored = await storeOne(fixture)
  const file = join(machine.path, 'krown.dump')
  const { pgDump, pgRestore } = installation
  const dump = [dumped.url, `--schema=${dumped.schema}`, '--format=custom', `--file=${file}`]
  await runProcess({ command: pgDump, args: dump })
  await fixture.krown.close()
  const empty = { ...dumped, url: await server.createDatabase() }
  await runProcess({ command: pgRestore, args: ['--exit-on-error', `--dbname=${empty.url}`, file] })
  await requireMasterKey(empty, masterKey, stored)
})
