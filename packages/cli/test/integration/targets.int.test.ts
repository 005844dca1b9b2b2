import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startHostileSshServer, startSshd } from '@krown/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, type Office, startOffice } from '../support/office.js'

let office: Office
let admin: Desk
let operator: Desk

beforeAll(async () => {
  office = await startOffice()
  admin = await office.desk('admin')
  operator = await office.desk('operator')
})
afterAll(() => office[Symbol.asyncDispose]())

/** Stores a private key as a credential of that name. */
async function storeKey(name: string, privateKey: string): Promise<void> {
  const file = join(admin.home, `${name}.key`)
  writeFileSync(file, privateKey, { mode: 0o600 })
  const { exitCode, stderr } = await admin.krown(['credentials', 'create', name, '-i', file])
  expect([exitCode, stderr]).toEqual([0, ''])
}

test('a target is created with a stored credential, and commands run on it by its name', async () => {
  await using sshd = await startSshd()
  await storeKey('deploy', sshd.privateKey)
  const where = [`${sshd.username}@${sshd.host}`, '-p', String(sshd.port)]
  const more = ['--credential', 'deploy', '--tag', 'prod,web', '--tag', 'eu']
  const made = await admin.krown(['targets', 'create', 'Web1', ...where, ...more])
  expect(made.stderr).toBe('')
  expect(made.stdout).toMatch(/^web1 \([0-9a-f-]{36}\) is .*, host key SHA256:\S+\n$/)
  expect(made.stdout).toContain(sshd.hostKeyFingerprint)

  const ran = await operator.krown(['exec', 'web1', '--', 'echo', 'hello'])
  expect([ran.exitCode, ran.stdout]).toEqual([0, 'hello\n'])
  const opened = await operator.krown(['sessions', 'open', 'WEB1'])
  const id = opened.stdout.trim()
  const inSession = await operator.krown(['exec', id, '--', 'exit 3'])
  expect(inSession.exitCode).toBe(3)
  await operator.krown(['sessions', 'close', id])

  const list = await operator.krown(['targets', 'ls', '--selector', 'tag:prod'])
  const [titles = '', first = ''] = list.stdout.split('\n')
  expect(titles).toMatch(/^NAME +ADDRESS +THROUGH +CREDENTIAL +TAGS +HOST KEY$/)
  expect(first).toMatch(/^web1 .* - +[0-9a-f-]{36} +eu prod web +pinned$/)
  const none = await operator.krown(['targets', 'ls', '--search', 'nothing', '--json'])
  expect(JSON.parse(none.stdout)).toEqual({ items: [], nextCursor: null })
})

test('a target is changed, shown and deleted by its name', async () => {
  const where = ['root@192.0.2.1', '--no-probe']
  await admin.krown(['targets', 'create', 'gate', ...where])
  const made = await admin.krown([
    'targets',
    'create',
    'db',
    ...where,
    '--jump',
    'gate',
    '--description',
    'Main',
  ])
  expect(made.stdout).toContain('no host key is pinned')
  const shown = await admin.krown(['targets', 'show', 'DB', '--json'])
  expect(JSON.parse(shown.stdout)).toMatchObject({
    name: 'db',
    description: 'Main',
    tags: [],
    username: 'root',
  })
  const refused = await admin.krown(['targets', 'rm', 'gate'])
  expect([refused.exitCode, refused.stderr]).toEqual([
    expect.any(Number),
    expect.stringContaining('such as db'),
  ])
  const change = [
    '--no-jump',
    '--no-description',
    '--name',
    'db1',
    '--user',
    'pg',
    '--tag',
    'a',
    '--legacy-algorithms',
  ]
  const changed = await admin.krown(['targets', 'update', 'db', ...change, '--json'])
  expect(JSON.parse(changed.stdout)).toMatchObject({
    name: 'db1',
    username: 'pg',
    jumpTargetId: null,
    description: null,
    tags: ['a'],
    legacyAlgorithms: true,
  })
  const plain = await admin.krown([
    'targets',
    'update',
    'db1',
    '--no-tag',
    '--no-legacy-algorithms',
    '--json',
  ])
  expect(JSON.parse(plain.stdout)).toMatchObject({ tags: [], legacyAlgorithms: false, username: 'pg' })
  expect((await admin.krown(['targets', 'update', 'db1'])).exitCode).toBe(2)
  expect((await admin.krown(['targets', 'rm', 'db1'])).stdout).toMatch(/^db1 \(.*\) is deleted\n$/)
  const gone = await admin.krown(['targets', 'show', 'db1'])
  expect([gone.exitCode, gone.stderr]).toEqual([5, expect.stringContaining('no target db1')])
})

test('one word is a target when there is one of that name, and with a user name always a host', async () => {
  await using peer = await startHostileSshServer()
  const { username, password } = peer
  const port = ['-p', String(peer.port)]
  const stdin = `${password}\n`
  const asHost = await operator.krown(
    ['exec', `${username}@127.0.0.1`, ...port, '--password-stdin', '--', 'x'],
    { stdin },
  )
  expect(asHost.stderr).toContain('127.0.0.1 is new')
  await admin.krown(['targets', 'create', '127.0.0.1', `${username}@127.0.0.1`, ...port])
  const sessions = async () => (await operator.krown(['sessions', 'ls', '--json'])).stdout
  const asTarget = await operator.krown(['sessions', 'open', '127.0.0.1', '--password-stdin', '--json'], {
    stdin,
  })
  expect(JSON.parse(asTarget.stdout)).toMatchObject({ targetId: expect.any(String), authMethod: 'password' })
  const again = await operator.krown(
    ['sessions', 'open', `${username}@127.0.0.1`, ...port, '--password-stdin', '--json'],
    { stdin },
  )
  expect(JSON.parse(again.stdout)).toMatchObject({ targetId: null })
  const strange = await operator.krown(['sessions', 'open', '127.0.0.1', ...port, '--password-stdin'], {
    stdin,
  })
  expect([strange.exitCode, strange.stderr]).toEqual([2, expect.stringContaining('user@127.0.0.1')])
  expect(await sessions()).toContain('"connected"')
})

test('T17: where a target has no credential one is asked for, and none comes from anywhere else', async () => {
  await using peer = await startHostileSshServer()
  const where = [`${peer.username}@127.0.0.1`, '-p', String(peer.port)]
  await admin.krown(['targets', 'create', 'bare', ...where])
  const asked = await operator.krown(['sessions', 'open', 'bare'])
  expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringContaining('--password-stdin')])
  expect(peer.authAttempts).toEqual([])
})
