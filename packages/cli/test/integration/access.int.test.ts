import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, type Office, startOffice } from '../support/office.js'

let office: Office
let admin: Desk
let operator: Desk

beforeAll(async () => {
  office = await startOffice()
  admin = await office.desk('admin')
  operator = await office.desk('operator')
  const { krown } = office.gateway
  const client = krown.as(await krown.actors.system())
  await client.targets.create({ name: 'web1', host: '192.0.2.1', username: 'root', probe: false })
})
afterAll(() => office[Symbol.asyncDispose]())

const json = async (...args: string[]) => {
  const { stdout, stderr, exitCode } = await admin.krown(['access', ...args, '--json'])
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const explained = async (...args: string[]) =>
  (await admin.krown(['access', 'explain', ...args])).stdout.trimEnd()

describe('access', () => {
  test('is listed, explained, revoked and granted, for people and for programs', async () => {
    const { stdout } = await admin.krown(['access', 'ls'])
    expect(stdout).toMatch(/^ID +WHO +VERBS +AS +EXPIRES +TARGETS +REASON *\n/)
    expect(stdout).toMatch(/ role operator +exec shell transfer +anybody +never +\* *\n$/)
    const [{ id }] = (await json('ls')).items
    const bob = operator.username
    expect(await explained(bob, 'web1', 'exec')).toBe(
      `${bob} may exec on web1 as root: by rule ${id}, role operator may exec, shell, transfer on *`,
    )
    expect((await admin.krown(['access', 'revoke', id])).stdout).toMatch(`${id} is revoked: role operator`)
    expect(await explained(bob, 'WEB1', 'exec')).toBe(
      `${bob} may not exec on WEB1 as root: no rule allows it`,
    )
    expect(await explained(admin.username, 'web1', 'exec')).toMatch('admins need no rule')
    const args = ['--user', bob, '--as', 'deploy,app', '--expires', '8h', '--reason', 'release 48']
    const granted = await json('grant', 'name:web* and not tag:db', ...args)
    expect(granted).toMatchObject({
      subject: { kind: 'user' },
      selector: 'name:web* and not tag:db',
      verbs: ['exec', 'shell', 'transfer'],
      remoteUsernames: ['deploy', 'app'],
      expiresAt: expect.stringMatching(/Z$/),
      reason: 'release 48',
    })
    expect((await json('ls', '--user', bob)).items).toEqual([granted])
    expect(await explained(bob, 'web1', 'exec')).toMatch('no rule allows it')
    expect(await json('explain', bob, 'web1', 'exec', '--as', 'app')).toEqual({
      allowed: true,
      reason: 'rule',
      rule: granted,
      token: null,
    })
  })

  test('that cannot be meant is refused, with the place of what is wrong', async () => {
    const refusals = [
      [['grant', '*'], 2, 'a rule is for one of --user, --role and --token'],
      [['grant', '*', '--role', 'operator', '--user', 'x'], 2, 'one of --user, --role and --token'],
      [
        ['grant', 'env:prod', '--role', 'operator'],
        2,
        'selector: at character 1: expected name:, tag:, host:',
      ],
      [['grant', '*', '--role', 'operator', '--verb', 'sudo'], 2, 'exec, shell, transfer, watch'],
      [['grant', '*', '--role', 'operator', '--expires', 'soon'], 2, '--expires'],
      [['grant', '*', '--user', 'nobody'], 5, 'there is no user nobody'],
      [['explain', 'nobody', 'web1', 'exec'], 5, 'there is no user nobody'],
      [['explain', operator.username, 'web9', 'exec'], 5, 'there is no target web9'],
      [['explain', operator.username, 'web1', 'sudo'], 2, 'exec, shell, transfer, watch'],
    ] as const
    for (const [args, code, said] of refusals) {
      const { exitCode, stderr } = await admin.krown(['access', ...args])
      expect([exitCode, stderr]).toEqual([code, expect.stringContaining(said)])
    }
  })

  test('that is granted says how many targets it matches, and what it never will do', async () => {
    const reader = await office.desk('readonly')
    const none = await admin.krown(['access', 'grant', 'name:nothing*', '--user', reader.username])
    expect(none.stderr).toContain('it matches no target now')
    expect(none.stderr).toContain('the role readonly never may')
    const one = await admin.krown(['access', 'grant', 'name:web*', '--role', 'operator'])
    expect(one.stderr).toBe('krown: it matches 1 target now\n')
    expect(await explained(reader.username, 'web1', 'exec')).toContain('the role readonly never may')
  })

  test('B02: is not for operators to look at or to change', async () => {
    for (const args of [['ls'], ['grant', '*', '--role', 'operator']]) {
      expect((await operator.krown(['access', ...args])).exitCode).toBe(4)
    }
  })
})
