import { writeFile } from 'node:fs/promises'
import { generateKey, type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../../../server/test/support/call.js'
import { type Desk, type Office, startOffice } from '../support/office.js'

let office: Office
let admin: Desk
let operator: Desk
let target: HostileSshServer

beforeAll(async () => {
  office = await startOffice()
  admin = await office.desk('admin')
  operator = await office.desk('operator')
  target = await startHostileSshServer()
})
afterAll(async () => {
  await target.stop()
  await office[Symbol.asyncDispose]()
})

const json = async (desk: Desk, ...args: string[]) => {
  const { stdout, stderr, exitCode } = await desk.krown(['host-keys', ...args, '--json'])
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const newFingerprint = () => generateKey().fingerprint
const place = () => [target.host, '-p', String(target.port)]

test('a host is probed, its key pinned, revoked, trusted again and forgotten', async () => {
  const probed = await admin.krown(['host-keys', 'probe', ...place()])
  expect(probed.exitCode).toBe(0)
  expect(probed.stdout).toContain(`${target.hostKeyFingerprint} (ssh-ed25519)\nnothing is known of this host`)
  const { id } = await json(admin, 'pin', ...place(), target.hostKeyFingerprint, '--type', 'ssh-ed25519')
  expect((await admin.krown(['host-keys', 'probe', ...place()])).stdout).toContain('it is trusted')
  const revoked = await admin.krown(['host-keys', 'revoke', id, '--reason', 'leaked'])
  expect(revoked.stdout).toBe(
    `${target.hostKeyFingerprint} of host ${target.host}:${target.port} is revoked (${id})\n`,
  )
  // A script can tell.
  expect((await admin.krown(['host-keys', 'probe', ...place()])).exitCode).toBe(6)
  expect((await admin.krown(['host-keys', 'ls', '--mark', 'revoked'])).stdout).toContain(id)
  await json(admin, 'trust', id, '--reason', 'another was meant')
  const other = newFingerprint()
  await json(admin, 'replace', ...place(), other, '--reason', 'rebuilt')
  const changed = await admin.krown(['host-keys', 'probe', ...place()])
  expect([changed.exitCode, changed.stdout]).toEqual([6, expect.stringContaining('other keys are pinned')])
  const { items } = await json(admin, 'ls', '--host', target.host)
  expect(items.map(({ fingerprint }: { fingerprint: string }) => fingerprint)).toEqual([other])
  expect((await admin.krown(['host-keys', 'rm', items[0].id])).stdout).toContain('is forgotten')
  expect(await json(admin, 'ls')).toEqual({ items: [], nextCursor: null })
  expect(target.authAttempts).toEqual([])
})

test('B02: an operator pins for itself, and not for the organization', async () => {
  const refused = await operator.krown(['host-keys', 'pin', 'db1', newFingerprint()])
  expect([refused.exitCode, refused.stderr]).toEqual([4, expect.stringContaining('(FORBIDDEN)')])
  const { id, userId } = await json(operator, 'pin', 'db1', newFingerprint(), '--mine')
  expect(userId).not.toBeNull()
  await json(operator, 'rm', id)
})

test('a known_hosts file is imported in parts, with the numbers of its own lines', async () => {
  const key = generateKey().publicKey.split(' ').slice(0, 2).join(' ')
  const lines = Array.from({ length: 2_500 }, (_, at) =>
    at === 2_400 ? 'damaged' : `h${at}.example.com ${key}`,
  )
  const file = `${admin.home}/known_hosts`
  await writeFile(file, `${lines.join('\n')}\n`)
  const dry = await admin.krown(['host-keys', 'import', file, '--dry-run'])
  expect(dry.stdout).toContain('2499 would be pinned, 1 would be skipped\nnothing was changed\n')
  const { stdout } = await admin.krown(['host-keys', 'import', file])
  expect(stdout).toMatch(/^2401 +skipped +- +has no key/m)
  expect(stdout).toContain('2499 pinned, 1 skipped\n')
  const again = await admin.krown(['host-keys', 'import', '-', '--json'], { stdin: lines.join('\n') })
  expect(JSON.parse(again.stdout)).toMatchObject({
    dryRun: false,
    counts: { pinned: 0, known: 2499, skipped: 1 },
    lines: expect.arrayContaining([expect.objectContaining({ line: 2500, host: 'h2499.example.com' })]),
  })
  const { stdout: listed } = await admin.krown(['host-keys', 'ls', '--host', 'h7.example.com'])
  expect(listed).toMatch(/^HOST +MARK +FOR +FINGERPRINT +TYPE +SOURCE +THROUGH +SINCE +REASON +ID$/m)
  expect(listed).toMatch(
    /^h7\.example\.com +trusted +everybody +SHA256:\S+ +ssh-ed25519 +import +- +\S+Z +- +\S+$/m,
  )
})

test('rebuilt targets are trusted anew, after a look at what would be done', async () => {
  await using rebuilt = await startHostileSshServer()
  const { host, port } = rebuilt
  const { token } = await office.gateway.admin()
  const body = { name: 'rebuilt', host, port, username: 'x' }
  expect((await call(office.url, 'POST /api/targets', { token, body })).status).toBe(201)
  const before = rebuilt.hostKeyFingerprint
  await rebuilt.replaceHostKey()
  const usage = await admin.krown(['host-keys', 'retrust', 'name:rebuilt'])
  expect([usage.exitCode, usage.stderr]).toEqual([2, expect.stringContaining('--reason is missing')])
  const dry = await admin.krown(['host-keys', 'retrust', 'name:rebuilt', '--dry-run'])
  expect(dry.stdout).toMatch(
    new RegExp(
      `^rebuilt +would be replaced +${literally(rebuilt.hostKeyFingerprint)} +${literally(before)}$`,
      'm',
    ),
  )
  expect(dry.stdout).toContain('1 would be replaced\nnothing was changed\n')
  const done = await json(admin, 'retrust', 'name:rebuilt', '--reason', 'new disk')
  expect(done).toMatchObject({
    dryRun: false,
    targets: [{ name: 'rebuilt', outcome: 'replaced', before: [before] }],
  })
  const again = await admin.krown(['host-keys', 'retrust', 'name:rebuilt', '--reason', 'again'])
  expect([again.exitCode, again.stdout]).toEqual([0, expect.stringContaining('\n1 unchanged\n')])
  await rebuilt.stop()
  expect((await admin.krown(['host-keys', 'retrust', 'name:rebuilt', '--reason', 'again'])).exitCode).toBe(8)
})

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
