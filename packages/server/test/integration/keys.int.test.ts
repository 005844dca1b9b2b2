import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Credential,
  createKrown,
  type KrownConfigInput,
  type LoginResult,
  openKrownAdmin,
  parseConfig,
} from '@krown/core'
import { createTempDir, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { call } from '../support/call.js'
import { PASSWORD } from '../support/gateway.js'
import { type Finished, runServer } from '../support/server-process.js'

/** More than one batch of a rotation. */
const STORED = 120

const newKey = () => randomBytes(32).toString('base64')

const inDir = (dir: string, env: Record<string, string>) => ({
  KROWN_DATA_DIR: dir,
  KROWN_SERVER__PORT: '0',
  KROWN_LOGGING__FORMAT: 'json',
  ...env,
})

const configOf = (dir: string, vault: KrownConfigInput['vault']): KrownConfigInput => ({
  dataDir: dir,
  vault,
})

async function storeMany(config: KrownConfigInput): Promise<void> {
  await using krown = await createKrown(config)
  const { credentials } = krown.as(await krown.actors.system())
  for (let i = 0; i < STORED; i += 1) {
    await credentials.create({ name: `before-${i}`, kind: 'password', password: `secret of before-${i}` })
  }
}

/** Which keys there are, as text: the id is of no interest to most tests. */
async function keysOf(dir: string, vault: KrownConfigInput['vault']) {
  await using admin = await openKrownAdmin(parseConfig(configOf(dir, vault)))
  return await admin.masterKeys()
}

async function run(args: string[], env: Record<string, string>): Promise<Finished> {
  await using server = runServer(args, { env })
  return await server.exited
}

async function signIn(url: string, setupToken: string): Promise<string> {
  const account = { username: 'admin', password: PASSWORD }
  await call(url, 'POST /api/auth/register', { body: { ...account, setupToken } })
  const { body } = await call<LoginResult>(url, 'POST /api/auth/login', { body: account })
  return body.accessToken
}

/** Stores one credential after the other until it is told to stop; says how many there are. */
function storeOn(url: string, token: string) {
  let isOver = false
  const storing = (async () => {
    let stored = 0
    for (; !isOver; stored += 1) {
      const body = { name: `during-${stored}`, kind: 'password', password: `secret of during-${stored}` }
      const { status } = await call<Credential>(url, 'POST /api/credentials', { token, body })
      expect(status).toBe(201)
    }
    return stored
  })()
  storing.catch(() => {})
  return async () => {
    isOver = true
    return storing
  }
}

test('J10: keys are rotated while a server runs and stores, also by a rotation that was killed', async () => {
  await using dir = await createTempDir()
  const [old, key, setupToken] = [newKey(), newKey(), newKey()]
  await storeMany(configOf(dir.path, { masterKey: old }))
  const env = inDir(dir.path, {
    KROWN_VAULT__MASTER_KEY: key,
    KROWN_VAULT__PREVIOUS_MASTER_KEYS: old,
    KROWN_AUTH__SETUP_TOKEN: setupToken,
  })
  await using server = runServer(['start'], { env })
  const url = await server.url()
  await waitFor(() => server.stdout.includes('krown-server keys rotate'), { what: 'the hint in the log' })
  const stopStoring = storeOn(url, await signIn(url, setupToken))

  await using killed = runServer(['keys', 'rotate'], { env })
  await waitFor(() => killed.stderr.includes('encrypted anew'), {
    what: 'the first batch',
    timeoutMs: 60_000,
  })
  killed.kill('SIGKILL')
  await killed.exited
  const resumed = await run(['keys', 'rotate'], env)
  const during = await stopStoring()

  const keys = await keysOf(dir.path, { masterKey: key, previousMasterKeys: [old] })
  const active = keys.find((one) => one.active)
  expect(keys.map(({ secrets }) => secrets)).toEqual([0, STORED + during])
  expect([resumed.exitCode, resumed.stdout]).toEqual([
    0,
    expect.stringContaining(`encrypted with key ${active?.id};`),
  ])
  const told = [server, killed, resumed].map(({ stdout, stderr }) => stdout + stderr).join('')
  for (const secret of [key, old, 'secret of']) expect(told).not.toContain(secret)
  server.kill('SIGTERM')
  await server.exited
  await using after = await createKrown(configOf(dir.path, { masterKey: key }))
  expect((await after.as(await after.actors.system()).credentials.list({ limit: 1 })).items).toHaveLength(1)
}, 240_000)

test('J10: without the key that the secrets need nothing starts or is rotated, and the key is named', async () => {
  await using dir = await createTempDir()
  const old = newKey()
  await using krown = await createKrown(configOf(dir.path, { masterKey: old }))
  const system = krown.as(await krown.actors.system())
  await system.credentials.create({ name: 'one', kind: 'password', password: 'x' })
  await krown.close()
  const [known] = await keysOf(dir.path, { masterKey: old })
  const env = inDir(dir.path, { KROWN_VAULT__MASTER_KEY: newKey() })
  for (const args of [['start'], ['keys', 'rotate']]) {
    expect(await run(args, env)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`vault.master_key: key ${known?.id} is needed`),
    })
  }
  const { stdout } = await run(['keys', 'ls'], env)
  expect(stdout.split('\n').map((line) => line.split(/ +/))).toEqual([
    ['KEY', 'STATE', 'SECRETS', 'GIVEN'],
    [known?.id, 'active', '1', 'no'],
    [expect.stringMatching(/^[0-9a-f]{8}$/), 'unused', '0', 'yes'],
    [''],
  ])
}, 120_000)

test('J10: a master key that is not where it was stops the start; given up, its credentials go and another takes its place', async () => {
  await using dir = await createTempDir()
  const file = join(dir.path, 'master-key')
  const [old, key] = [newKey(), newKey()]
  writeFileSync(file, old, { mode: 0o600 })
  const env = inDir(dir.path, {})
  await using krown = await createKrown(configOf(dir.path, { masterKey: old }))
  const system = krown.as(await krown.actors.system())
  const { id } = await system.credentials.create({ name: 'one', kind: 'password', password: 'x' })
  await system.targets.create({
    name: 'web1',
    host: '192.0.2.1',
    username: 'root',
    probe: false,
    credentialId: id,
  })
  await krown.close()
  const [known] = await keysOf(dir.path, { masterKey: old })
  const forget = ['keys', 'forget', '--key', known?.id ?? '']
  expect(await run(forget, env)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('is given, so nothing is lost'),
  })
  rmSync(file)

  const missing = `used with key ${known?.id}, and the file ${file} is not there`
  for (const args of [['start'], ['keys', 'rotate']]) {
    expect(await run(args, env)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(missing) })
  }
  expect((await run(['keys', 'ls'], env)).stdout).toMatch(new RegExp(`${known?.id} +active +1 +no`))
  expect(existsSync(file)).toBe(false)

  expect(await run(forget, env)).toMatchObject({
    exitCode: 0,
    stdout: `Deleted credentials that only key ${known?.id} could decrypt: 1.
Now make a key ("openssl rand -base64 32") and give it as vault.master_key; then "keys rotate" puts vault.master_key in its place.
`,
  })
  writeFileSync(file, key, { mode: 0o600 })
  expect(await run(['start'], env)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`key ${known?.id} is the one for new secrets`),
  })
  expect(await run(['keys', 'rotate'], env)).toMatchObject({ exitCode: 0 })
  await using server = runServer(['start'], { env })
  await server.url()
  server.kill('SIGTERM')
  expect((await server.exited).exitCode).toBe(0)

  await using after = await createKrown(configOf(dir.path, { masterKey: key }))
  const client = after.as(await after.actors.system())
  expect((await client.credentials.list()).items).toEqual([])
  expect((await client.targets.list()).items).toMatchObject([{ name: 'web1', credentialId: null }])
  expect((await client.journal.list({ action: 'credential.deleted' })).items).toMatchObject([
    { resourceId: id, facts: { lostMasterKey: known?.id } },
  ])
}, 120_000)
