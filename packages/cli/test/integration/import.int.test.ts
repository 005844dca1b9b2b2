import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKey, type Sshd, startSshd } from '@krown/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Desk, type Office, startOffice } from '../support/office.js'

const HOST_KEY = generateKey()

let sshd: Sshd
let office: Office
let admin: Desk

beforeAll(async () => {
  sshd = await startSshd({ hostKeys: [HOST_KEY] })
})
afterAll(() => sshd.stop())
beforeEach(async () => {
  office = await startOffice()
  admin = await office.desk('admin')
  return () => office[Symbol.asyncDispose]()
})

const inHome = async (name: string, text: string): Promise<string> => {
  const file = join(admin.home, name)
  await writeFile(file, text, { mode: 0o600 })
  return file
}

const importing = (...args: string[]) => admin.krown(['targets', 'import', ...args])

const json = async (...args: string[]) => {
  const { stdout, stderr } = await admin.krown([...args, '--json'])
  return stdout === '' ? Promise.reject(new Error(stderr)) : JSON.parse(stdout)
}

/** As `targets ls` has them, by name. */
async function inventory(): Promise<Record<string, Record<string, unknown>>> {
  const { items } = await json('targets', 'ls', '--limit', '1000')
  return Object.fromEntries(items.map((target: { name: string }) => [target.name, target]))
}

const storeKey = async (name: string) =>
  admin.krown(['credentials', 'create', name, '-i', await inHome(`${name}.key`, sshd.privateKey)])

const config = () => `Host gate
  Port ${sshd.port}
Host web1
  ProxyJump gate
Host gate web*
  HostName ${sshd.host}
  User ${sshd.username}
Host web1
  Port ${sshd.port}
`

test('a dry run prints the plan as a table and changes nothing; the import does what it said', async () => {
  const file = await inHome('ssh_config', config())
  const dry = await importing('--ssh-config', file, '--dry-run')
  const [titles, gate, web1, count, ...rest] = dry.stdout.split('\n')
  expect(titles).toMatch(/^NAME +OUTCOME +ADDRESS +THROUGH +TAGS +WHAT$/)
  const address = `${sshd.username}@${sshd.host}:${sshd.port}`
  expect(gate?.split(/ {2,}/)).toEqual(['gate', 'would be created', address, '-', '-', '-'])
  expect(web1?.split(/ {2,}/)).toEqual(['web1', 'would be created', address, 'gate', '-', '-'])
  expect(count).toBe('targets: 2 would be created')
  expect(rest).toEqual([
    'nothing was changed',
    '2 would have no credential: gate web1',
    expect.stringContaining('--credential NAME'),
    '2 would have no known host key: gate web1',
    expect.stringContaining('--known-hosts'),
    '',
  ])
  expect(await inventory()).toEqual({})

  const done = await importing('--ssh-config', file)
  expect(done.exitCode).toBe(0)
  expect(done.stdout.split('\n').slice(3)).toEqual([
    'targets: 2 created',
    '2 have no credential: gate web1',
    expect.stringContaining('krown targets update gate --credential NAME;'),
    '2 have no known host key: gate web1',
    "  krown host-keys retrust 'name:gate or name:web1' --dry-run",
    '',
  ])
  const targets = await inventory()
  expect(targets.web1).toMatchObject({
    host: sshd.host,
    port: sshd.port,
    username: sshd.username,
    jumpTargetId: targets.gate?.id,
    hostKeyFingerprints: [],
  })
})

test('running twice changes nothing, and says so', async () => {
  const file = await inHome('ssh_config', config())
  await importing('--ssh-config', file, '--tag', 'Home,eu')
  const before = await inventory()
  const written = (await json('journal', 'ls', '--limit', '1')).items[0].seq
  const again = await importing('--ssh-config', file, '--tag', 'eu')
  expect([again.exitCode, again.stdout]).toEqual([
    0,
    expect.stringMatching(/^targets: 2 unchanged\n2 have no/),
  ])
  expect(await inventory()).toEqual(before)
  expect((await json('journal', 'ls', '--limit', '1')).items[0].seq).toBe(written)
  expect(before.web1?.tags).toEqual(['eu', 'home'])
})

test('what a file does not say of a target stays as it is, and is not shown', async () => {
  await importing('--ssh-config', await inHome('ssh_config', config()))
  const before = await inventory()
  const hosts = await inHome('hosts', 'web1\ngate\n')
  const dry = await importing('--ansible-inventory', hosts, '--user', 'nobody', '--dry-run')
  expect(dry.stdout).toMatch(/^web1 +unchanged +- +- +- +-$/m)
  const done = await importing('--ansible-inventory', hosts)
  expect(done.stdout).toContain('targets: 2 unchanged\n')
  expect(await inventory()).toEqual(before)

  const grouped = await inHome('grouped', '[web]\nweb1 ansible_user=deploy\n')
  const changing = await importing('--ansible-inventory', grouped)
  expect(changing.stdout).toMatch(/^web1 +updated +deploy@… +- +web +user name, tags$/m)
  const { web1 } = await inventory()
  expect(web1).toEqual({
    ...before.web1,
    username: 'deploy',
    tags: ['web'],
    updatedAt: expect.any(String),
  })
})

test('a jump host that the file only names stays as the inventory has it', async () => {
  await importing('--ssh-config', await inHome('first', config()))
  const { gate } = await inventory()
  const second = await inHome('second', 'Host new1\n  ProxyJump gate\nHost new2\n  ProxyJump other\n')
  const done = await importing('--ssh-config', second, '--user', 'ops')
  expect(done.stdout).toContain('targets: 3 created')
  const targets = await inventory()
  expect(targets.gate).toEqual(gate)
  expect(targets.new1).toMatchObject({ jumpTargetId: gate?.id })
  expect(targets.new2).toMatchObject({ jumpTargetId: targets.other?.id })
})

test('with a credential and the keys of known_hosts, commands run by name', async () => {
  await storeKey('deploy')
  const file = await inHome('ssh_config', config())
  await importing('--ssh-config', file, '--credential', 'deploy')
  const unknown = await admin.krown(['exec', 'gate', '-n', '--', 'echo hi'])
  expect([unknown.exitCode, unknown.stderr]).toEqual([255, expect.stringContaining('(HOST_KEY_UNKNOWN)')])

  const [type, key] = HOST_KEY.publicKey.split(' ')
  const line = `[${sshd.host}]:${sshd.port} ${type} ${key}\n`
  const knownHosts = await inHome('known_hosts', `# 127.0.0.1:22 SSH-2.0\n${line}`)
  const dry = await importing('--known-hosts', knownHosts, '--dry-run')
  expect(dry.stdout).toBe('known_hosts: 1 would be pinned\nnothing was changed\n')
  const keys = await importing('--ssh-config', file, '--known-hosts', knownHosts)
  expect(keys.stdout).toBe('targets: 2 unchanged\nknown_hosts: 1 pinned\n')
  const ran = await admin.krown(['exec', 'gate', '-n', '--', 'echo hi'])
  expect([ran.exitCode, ran.stdout]).toEqual([0, 'hi\n'])

  // The key is that of the machine behind the jump host, too: it has the same address.
  const through = await admin.krown(['exec', 'web1', '-n', '--', 'echo through'])
  expect([through.exitCode, through.stdout]).toEqual([0, 'through\n'])
})

test('a credential goes to those that have none, by its name, and must be there', async () => {
  await storeKey('deploy')
  await storeKey('other')
  const file = await inHome('ssh_config', config())
  const missing = await importing('--ssh-config', file, '--credential', 'nobody')
  expect([missing.exitCode, missing.stderr]).toEqual([5, expect.stringContaining('no credential nobody')])
  expect(await inventory()).toEqual({})
  await importing('--ssh-config', file)
  const later = await importing('--ssh-config', file, '--credential', 'deploy')
  expect(later.stdout).toMatch(/^web1 +updated .* credential$/m)
  const { stdout } = await importing('--ssh-config', file, '--credential', 'other')
  expect(stdout).toMatch(/^targets: 2 unchanged\n2 have no known host key: gate web1\n/)
})

const INI = `[web]
web[1:2].example.com ansible_user=deploy
[db]
db1 ansible_host=10.0.0.9 ansible_port=2222 ansible_password=canary-of-ansible
[prod:children]
web
db
[all:vars]
ansible_user=root
`
const YAML = `all:
  vars: {ansible_user: root}
  children:
    prod:
      children:
        web:
          hosts:
            web[1:2].example.com: {ansible_user: deploy}
        db:
          hosts:
            db1: {ansible_host: 10.0.0.9, ansible_port: 2222, ansible_password: canary-of-ansible}
`

test.each([
  ['hosts', INI],
  ['hosts.yml', YAML],
])('an Ansible inventory in %s: groups become tags, secrets stay where they are', async (name, text) => {
  const file = await inHome(name, text)
  const { exitCode, stdout, stderr } = await importing('--ansible-inventory', file)
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('targets: 3 created\n')])
  const targets = await inventory()
  const shown = Object.values(targets).map(({ username, host, port, tags }) => [username, host, port, tags])
  expect(shown.toSorted()).toEqual([
    ['deploy', 'web1.example.com', 22, ['prod', 'web']],
    ['deploy', 'web2.example.com', 22, ['prod', 'web']],
    ['root', '10.0.0.9', 2222, ['db', 'prod']],
  ])
  expect(stdout + stderr + JSON.stringify(targets)).not.toContain('canary-of-ansible')
})

test('of a host that both files have, ssh_config says where it is, and Ansible its groups', async () => {
  const ssh = await inHome('ssh_config', 'Host web1.example.com\n  HostName 10.0.0.1\n  User ada\n')
  const { stdout } = await importing('--ssh-config', ssh, '--ansible-inventory', await inHome('hosts', INI))
  expect(stdout).toContain('targets: 3 created\n')
  expect((await inventory())['web1.example.com']).toMatchObject({
    host: '10.0.0.1',
    username: 'ada',
    tags: ['prod', 'web'],
  })
})

test('what is refused is named with the reason and ends with exit code 1; the rest is imported', async () => {
  const text = `Host good
  User root
Host cloud
  HostName 169.254.169.254
Host odd
  HostName no/name
Host minus
  User -x
Host lost
  ProxyJump odd
Host ünïcode
`
  const file = await inHome('ssh_config', text)
  const { exitCode, stdout } = await importing('--ssh-config', file, '--user', 'root')
  expect(exitCode).toBe(1)
  expect(stdout).toMatch(/^cloud +refused .*169\.254\.169\.254/m)
  expect(stdout).toMatch(/^odd +refused .* its host must be a host name or an IP address$/m)
  expect(stdout).toMatch(/^minus +refused .* its username must not start with a hyphen$/m)
  expect(stdout).toMatch(/^lost +refused .* its jump host odd was refused$/m)
  expect(stdout).toContain('targets: 1 created, 4 refused\n')
  expect(stdout).toMatch(/^ünïcode +left out +- .* a target is called by /m)
  expect(Object.keys(await inventory())).toEqual(['good'])
})

test('--json is one document with every target, what became of it, and what was left out', async () => {
  const file = await inHome('ssh_config', `${config()}Host odd\n  HostName no/name\nHost b_ö\n`)
  const document = await json('targets', 'import', '--ssh-config', file, '--dry-run')
  expect(document).toEqual({
    dryRun: true,
    items: [
      { name: 'gate', outcome: 'created', targetId: null, changed: [], reason: null },
      { name: 'web1', outcome: 'created', targetId: null, changed: [], reason: null },
      { name: 'odd', outcome: 'refused', targetId: null, changed: [], reason: expect.any(String) },
    ],
    remarks: [{ what: 'b_ö', why: expect.any(String) }],
    missing: { credential: ['gate', 'web1'], hostKey: ['gate', 'web1'] },
  })
})

test('nothing in an ssh_config is executed, whatever asks for it', async () => {
  const traces = ['match', 'proxy', 'local', 'known', 'include'].map((name) =>
    join(admin.home, `ran-${name}`),
  )
  const [match, proxy, local, known, include] = traces
  await inHome('more', `Match exec "touch ${include}"\n  User included\nHost second\n`)
  const text = `Include ${admin.home}/more
Match host web1 exec "touch ${match}"
  User matched
Match !exec "touch ${match}"
  User unmatched
Host web1
  HostName 10.0.0.1
  LocalCommand touch ${local}
  PermitLocalCommand yes
  KnownHostsCommand /usr/bin/touch ${known}
Host web2
  ProxyCommand touch ${proxy}
Host *
  User \`touch ${match}\`
`
  const { stdout } = await importing('--ssh-config', await inHome('ssh_config', text), '--user', 'me')
  expect(stdout).toContain('Match exec is not evaluated, and its block left out')
  expect(stdout).toMatch(
    /^web2 +left out .* it is reached by a ProxyCommand, which is not run: give it a ProxyJump$/m,
  )
  expect(stdout).toMatch(/^second +created/m)
  expect(traces.filter((trace) => existsSync(trace))).toEqual([])
})

test('operators import nothing', async () => {
  const operator = await office.desk('operator')
  const file = await inHome('ssh_config', config())
  const { exitCode, stderr } = await operator.krown(['targets', 'import', '--ssh-config', file])
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('(FORBIDDEN)')])
})
