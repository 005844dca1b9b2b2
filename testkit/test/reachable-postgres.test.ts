import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTempDir, type TempDir } from '../src/index.js'
import { reachablePostgres } from '../src/reachable-postgres.js'

async function fakeInstallation({ path }: TempDir) {
  const bin = join(path, 'bin')
  await mkdir(bin, { mode: 0o755 })
  const binaries = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
  for (const file of Object.values(binaries)) await writeFile(file, file, { mode: 0o755 })
  return binaries
}

test('an installation that everybody may enter is used where it is', async () => {
  await using data = await createTempDir()
  const binaries = { initdb: '/bin/sh', postgres: '/bin/sh' }
  expect(await reachablePostgres(binaries, data.path)).toBe(binaries)
})

test('an installation below a private directory is copied beside the data', async () => {
  await using installation = await createTempDir({ mode: 0o700 })
  await using data = await createTempDir()
  const binaries = await fakeInstallation(installation)
  const copied = await reachablePostgres(binaries, data.path)
  expect(copied.postgres.startsWith(data.path)).toBe(true)
  expect(await readFile(copied.initdb, 'utf8')).toBe(binaries.initdb)
  expect(await readFile(copied.postgres, 'utf8')).toBe(binaries.postgres)
})
