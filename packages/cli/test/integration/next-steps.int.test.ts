import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type HostileSshServer, type Sshd, startHostileSshServer, startSshd } from '@krown/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, type Office, startOffice } from '../support/office.js'

let office: Office
let admin: Desk
let operator: Desk
let gate: Sshd
let behind: HostileSshServer

beforeAll(async () => {
  // As krown-server init writes it.
  office = await startOffice({ ssh: { allowAdhocHosts: false } })
  admin = await office.desk('admin')
  operator = await office.desk('operator')
  gate = await startSshd()
  behind = await startHostileSshServer()
  const key = join(admin.home, 'gate.key')
  await writeFile(key, gate.privateKey, { mode: 0o600 })
  await admin.krown(['credentials', 'create', 'gate', '-i', key])
  const at = ({ username, host, port }: Sshd | HostileSshServer) => [`${username}@${host}`, '-p', `${port}`]
  await admin.krown(['targets', 'create', 'gate', ...at(gate), '--credential', 'gate', '--no-probe'])
  await admin.krown(['targets', 'create', 'web1', ...at(behind), '--jump', 'gate', '--no-probe'])
})
afterAll(async () => {
  await office[Symbol.asyncDispose]()
  await gate.stop()
  await behind.stop()
})

const open = () =>
  operator.krown(['sessions', 'open', 'web1', '--password-stdin'], { stdin: behind.password })

/** The command in what was said, as a shell splits it. */
function commandIn(text: string, verb: string): string[] {
  const line = text.split('\n').find((one) => one.trim().startsWith(`krown host-keys ${verb} `)) ?? ''
  return [...line.trim().matchAll(/'([^']*)'|(\S+)/g)]
    .map(([, quoted, word]) => quoted ?? word ?? '')
    .slice(1)
}

test('the commands that are named where a host key is refused work as they are, behind a jump host as well', async () => {
  const ofGate = await open()
  expect(ofGate.stderr).toContain('jump host gate (hop 1 of 1)')
  const pinGate = commandIn(ofGate.stderr, 'pin')
  expect(pinGate.slice(0, 4)).toEqual(['host-keys', 'pin', 'gate', gate.hostKeyFingerprint])
  expect((await admin.krown(pinGate)).stdout).toContain(
    ` of target gate, ${gate.host}:${gate.port} is trusted`,
  )

  const pinWeb = commandIn((await open()).stderr, 'pin')
  expect((await admin.krown(pinWeb)).stdout).toContain(' through gate is trusted')
  expect((await open()).exitCode).toBe(0)
  const listed = await admin.krown(['host-keys', 'ls', '--host', 'web1'])
  expect(listed.stdout).toMatch(new RegExp(`^127\\.0\\.0\\.1:${behind.port} .* gate `, 'm'))

  await behind.replaceHostKey()
  const refused = await open()
  expect([refused.exitCode, refused.stderr]).toEqual([8, expect.stringContaining('(HOST_KEY_MISMATCH)')])
  expect((await admin.krown(commandIn(refused.stderr, 'replace'))).exitCode).toBe(0)
  expect((await open()).exitCode).toBe(0)

  await behind.replaceHostKey()
  const probed = await admin.krown(['host-keys', 'probe', 'web1'])
  expect(probed.exitCode).toBe(6)
  expect((await admin.krown(commandIn(probed.stdout, 'replace'))).exitCode).toBe(0)
  expect((await open()).exitCode).toBe(0)
})

test('of a target only its own place is meant, not a host that is called like it', async () => {
  const { hostKeyFingerprint } = behind
  for (const more of [['-p', '22'], ['--via', 'gate'], ['--mine']]) {
    const { exitCode, stderr } = await admin.krown(['host-keys', 'pin', 'web1', hostKeyFingerprint, ...more])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('web1 is a target')])
  }
})

test.each([
  ['wbe1', 'there is no target wbe1 that you may use, and this server reaches no other hosts'],
  ['root@web1', 'root@web1 is a host, and this server reaches only targets of its inventory'],
])('nobody types a password for %s before the server was asked', async (destination, said) => {
  const { exitCode, stderr } = await operator.krown(['exec', destination, '--', 'id'])
  expect([exitCode, stderr]).toEqual([255, expect.stringContaining(said)])
  expect(stderr).not.toContain('password')
})

test('without the right to see targets a name is not taken for a host: it is opened by name, or that is said', async () => {
  const tokenWith = async (...scopes: string[]) => {
    const args = ['tokens', 'create', scopes.join(), '--scope', scopes.join(), '--expires', '1d']
    return { KROWN_TOKEN: (await admin.krown(args)).stdout.trim() }
  }
  const using = await tokenWith('session:open', 'target:use')
  const opened = await admin.krown(['sessions', 'open', 'web1', '--password-stdin'], {
    env: using,
    stdin: behind.password,
  })
  expect(opened.exitCode).toBe(0)
  const blind = await tokenWith('session:open', 'hostkey:manage')
  const cases = [
    [['sessions', 'open', 'web1'], 'user@web1'],
    [['sessions', 'open', 'web1', '-p', '22'], 'user@web1'],
    [['host-keys', 'pin', 'web1', behind.hostKeyFingerprint], 'with -p'],
  ] as const
  for (const [args, otherwise] of cases) {
    const { exitCode, stderr } = await admin.krown(args, { env: blind })
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('target:read')])
    expect(stderr).toContain(otherwise)
  }
})

test('lists name what people know by name', async () => {
  const session = (await open()).stdout.trim()
  const sessions = await admin.krown(['sessions', 'ls', '--host', 'web1'])
  expect(sessions.stdout).toContain(`${session}  connected  ${operator.username} `)
  expect((await admin.krown(['sessions', 'show', session])).stdout).toMatch(/^target +web1$/m)
  expect((await admin.krown(['targets', 'show', 'web1'])).stdout).toMatch(/^through +gate$/m)
  expect((await admin.krown(['targets', 'show', 'gate'])).stdout).toMatch(/^credential +gate$/m)
  const granted = await admin.krown(['access', 'grant', 'name:web*', '--user', operator.username])
  expect(granted.stdout).toContain(`: user ${operator.username} may exec, shell, transfer on name:web*`)
  expect((await admin.krown(['access', 'ls'])).stdout).toContain(` user ${operator.username} `)
  const entries = await admin.krown(['journal', 'ls', '--action', 'target.created'])
  expect(entries.stdout).toMatch(/ target web1 /)
  const opening = await admin.krown(['journal', 'ls', '--action', 'session.opening', '--limit', '1'])
  expect(opening.stdout).toContain(' target=web1 ')
  const grants = await admin.krown(['journal', 'ls', '--action', 'access_rule.granted', '--limit', '1'])
  expect(grants.stdout).toContain(` subjectName=${operator.username}`)
})
