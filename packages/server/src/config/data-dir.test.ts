import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTempDir } from '@krown/testkit/temp-dir'
import { expect, test } from 'vitest'
import { problemsOf } from './config-problem.js'
import { prepareDataDir } from './data-dir.js'

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

function problemWith(dataDir: string): string | undefined {
  try {
    prepareDataDir({ dataDir })
  } catch (error) {
    return problemsOf(error)?.[0]?.message
  }
  return undefined
}

function makeDir(path: string, mode: number): string {
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

test('a data directory that is absent is made with mode 0700, and so are those above it', async () => {
  await using dir = await createTempDir()
  const path = join(dir.path, 'var/krown')
  prepareDataDir({ dataDir: path })
  expect([modeOf(path), modeOf(join(dir.path, 'var'))]).toEqual(['700', '700'])
})

test('an empty one, or one that is already Krown’s, is closed to others', async () => {
  await using dir = await createTempDir()
  const empty = makeDir(join(dir.path, 'empty'), 0o755)
  const used = makeDir(join(dir.path, 'used'), 0o755)
  writeFileSync(join(used, 'jwt-secret'), '')
  const volume = makeDir(join(dir.path, 'volume'), 0o777)
  makeDir(join(volume, 'lost+found'), 0o700)
  expect([empty, used, volume].map(problemWith)).toEqual([undefined, undefined, undefined])
  expect([empty, used, volume].map(modeOf)).toEqual(['700', '700', '700'])
})

test('one with other content is left alone and refused', async () => {
  await using dir = await createTempDir()
  const etc = makeDir(join(dir.path, 'etc'), 0o755)
  writeFileSync(join(etc, 'krown.toml'), '')
  expect(problemWith(etc)).toMatch(/run chmod 700/)
  expect(modeOf(etc)).toBe('755')
})

test('one that is closed already may hold anything', async () => {
  await using dir = await createTempDir()
  writeFileSync(join(dir.path, 'notes'), '')
  expect(problemWith(dir.path)).toBeUndefined()
})

test('a file is no data directory', async () => {
  await using dir = await createTempDir()
  writeFileSync(join(dir.path, 'file'), '')
  expect(problemWith(join(dir.path, 'file'))).toBe('cannot be used: EEXIST')
})
