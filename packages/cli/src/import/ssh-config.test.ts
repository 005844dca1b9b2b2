import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createTempDir } from '@krown/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ImportPlan } from './planned-target.js'
import { planFromSshConfig } from './ssh-config.js'

async function writeFiles(files: Record<string, string>): Promise<string> {
  const dir = await createTempDir()
  onTestFinished(() => dir.stop())
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir.path, name)), { recursive: true })
    await writeFile(join(dir.path, name), text)
  }
  return dir.path
}

async function planOf(config: string, others: Record<string, string> = {}): Promise<ImportPlan> {
  const dir = await writeFiles({ ...others, config })
  return planFromSshConfig(join(dir, 'config'), { home: dir, username: 'me' })
}

const routes = ({ targets }: ImportPlan) =>
  targets.map(({ name, host, port, username, jump }) =>
    [name, `${username}@${host}:${port}`, ...(jump === null ? [] : [`via ${jump}`])].join(' '),
  )

const CONFIG = `
# The usual
Host web1 web2
  HostName %h.example.com
  User deploy
Host db !*.internal
  HostName=10.0.0.5
  Port 2222
Host "quoted"
  HostName "quoted.example.com" # not this
Host *.example.org
  User org
Host app.example.org
  User late
Host deep
  ProxyJump bastion
Host bastion
  HostName bastion.example.com
Match originalhost we*
  Port 2200
Match host 10.* user me
  Port 9
Match !host *.example.com all
  User nobody
Host *
  User root
  HostName %h.fallback
`

describe('an ssh_config file', () => {
  test('gives the hosts that it names, each with what holds for it first', async () => {
    expect(routes(await planOf(CONFIG))).toEqual([
      'web1 deploy@web1.example.com:2200',
      'web2 deploy@web2.example.com:2200',
      'db nobody@10.0.0.5:2222',
      'quoted root@quoted.example.com:22',
      'app.example.org org@app.example.org.fallback:22',
      'bastion root@bastion.example.com:22',
      'deep nobody@deep.fallback:22 via bastion',
    ])
  })

  test('comes to what ssh itself would use', async () => {
    const dir = await writeFiles({ config: CONFIG })
    const { targets } = planFromSshConfig(join(dir, 'config'), { home: dir, username: 'root' })
    for (const { name, host, port, username } of targets) {
      const { stdout } = await promisify(execFile)('ssh', ['-G', '-F', join(dir, 'config'), name])
      const said = (keyword: string) => new RegExp(`^${keyword} (.*)$`, 'm').exec(stdout)?.[1]
      expect([name, host, String(port), username]).toEqual([
        name,
        said('hostname'),
        said('port'),
        said('user'),
      ])
    }
  })

  test('follows Include, whose files are for the hosts of the block that they stand in', async () => {
    const plan = await planOf('Include conf.d/*\nHost a\n  Include ~/user\nHost *\n  User late\n', {
      'conf.d/one': 'Host b\n  Port 2201\n  Include nested\n',
      'conf.d/.hidden': 'Host hidden\n',
      nested: 'HostName nested.example.com\n',
      user: 'User included\nHost c\n  HostName never-for-c\n',
    })
    expect(routes(plan)).toEqual(['b late@nested.example.com:2201', 'a included@a:22', 'c late@c:22'])
    expect(plan.remarks).toEqual([])
  })

  test('that includes itself, or a file that is not there, says so', async () => {
    const plan = await planOf('Include config\nInclude gone\nHost a\n')
    expect(routes(plan)).toEqual(['a me@a:22'])
    expect(plan.remarks.map(({ why }) => why)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Include config leads in a circle: (.*\/config) → \1$/),
        expect.stringMatching(/cannot be read/),
      ]),
    )
  })

  test('is never asked to execute anything', async () => {
    const dir = await createTempDir()
    onTestFinished(() => dir.stop())
    const mark = join(dir.path, 'executed')
    const plan = await planOf(
      `Match exec "touch ${mark}"\n  User evil\nMatch exec "touch ${mark}" host a\n  Port 1\nHost a\nHost b\n  ProxyCommand touch ${mark}\n`,
    )
    expect(routes(plan)).toEqual(['a me@a:22'])
    expect(plan.remarks).toEqual([
      {
        what: expect.stringMatching(/config:1$/),
        why: 'Match exec is not evaluated, and its block left out',
      },
      {
        what: expect.stringMatching(/config:3$/),
        why: 'Match exec is not evaluated, and its block left out',
      },
      { what: 'b', why: 'it is reached by a ProxyCommand, which is not run: give it a ProxyJump' },
    ])
    await expect(import('node:fs/promises').then((fs) => fs.stat(mark))).rejects.toThrow(/ENOENT/)
  })

  test('gives jump hosts as targets of their own, each before who needs it', async () => {
    const plan = await planOf(`
Host inner
  ProxyJump admin@gate:2022,second
Host gate
  HostName gate.example.com
Host second
  User two
Host old
  ProxyCommand ssh -W %h:%p gate
Host direct
  ProxyJump none
`)
    expect(routes(plan)).toEqual([
      'gate me@gate.example.com:22',
      'gate-admin admin@gate.example.com:2022',
      'second two@second:22',
      'second-two two@second:22 via gate-admin',
      'inner me@inner:22 via second-two',
      'old me@old:22 via gate',
      'direct me@direct:22',
    ])
  })

  test('of hosts that jump through each other imports neither, and says why', async () => {
    const plan = await planOf('Host a\n  ProxyJump b\nHost b\n  ProxyJump a\nHost c\n')
    expect(routes(plan)).toEqual(['c me@c:22'])
    expect(plan.remarks.map(({ what }) => what).sort()).toEqual(['a', 'b'])
  })

  test('with names and ports that no target can have says so and goes on', async () => {
    const plan = await planOf('Host a_b ünïcode\nHost p\n  Port 70000\nHost ok\n')
    expect(routes(plan)).toEqual(['a_b me@a_b:22', 'ok me@ok:22'])
    expect(plan.remarks.map(({ what }) => what)).toEqual(['ünïcode', 'p'])
  })

  test('of two names that differ by case alone imports the first, and says so', async () => {
    const plan = await planOf('Host a4\n  ProxyJump gate\nHost A4\n  HostName two.example\nHost gate\n')
    expect(routes(plan)).toEqual(['gate me@gate:22', 'a4 me@a4:22 via gate'])
    expect(plan.remarks).toMatchObject([{ what: 'A4' }])
  })

  test('of five thousand hosts is read without asking every line for every host', async () => {
    const hosts = Array.from(
      { length: 5_000 },
      (_, n) => `Host h${n}\n  HostName 10.0.${n >> 8}.${n & 255}\n  Port 2200\n`,
    )
    const plan = await planOf(`${hosts.join('')}Host *\n  User root\n`)
    expect(plan.targets).toHaveLength(5_000)
    expect(routes(plan).at(-1)).toBe('h4999 root@10.0.19.135:2200')
  })

  test('that cannot be read is an error with its name', () => {
    expect(() => planFromSshConfig('/nowhere/config', { home: '/', username: 'me' })).toThrow(
      /\/nowhere\/config cannot be read/,
    )
  })
})
