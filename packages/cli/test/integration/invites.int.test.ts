import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, type Office, PASSWORD, startOffice } from '../support/office.js'

let office: Office
let admin: Desk
beforeAll(async () => {
  office = await startOffice({ auth: { registration: 'invite' } })
  admin = await office.desk('admin')
})
afterAll(() => office[Symbol.asyncDispose]())

const linesOf = (text: string) => text.trimEnd().split('\n')

const json = async (desk: Desk, ...args: string[]) => {
  const { stdout, stderr, exitCode } = await desk.krown([...args, '--json'])
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** Registers at a desk of their own, with what the file says. */
async function register(username: string, invite: string) {
  const desk = await office.newDesk()
  const file = join(desk.home, 'invite')
  await writeFile(file, `${invite}\n`)
  const args = ['login', '--invite', '--invite-file', file, '--username', username, '--password-stdin']
  return { desk, result: await desk.krown(args, { stdin: `${PASSWORD}\n` }) }
}

describe('invites', () => {
  test('are made for a script to pass on, and whoever has one is signed in with what it says', async () => {
    const made = await admin.krown(['invites', 'create', '--role', 'operator', '--note', 'for Grace'])
    expect(made).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('shown this once') })
    const [invite = '', ...more] = linesOf(made.stdout)
    expect([invite, more]).toEqual([expect.stringMatching(/^krn_inv_\w+$/), []])
    const { desk, result } = await register('grace', invite)
    expect(result).toMatchObject({
      exitCode: 0,
      stdout: `signed in to ${office.url} as grace (operator)\n`,
      stderr: '',
    })
    expect((await desk.krown(['whoami'])).stdout).toMatch(/^name +grace\nrole +operator\n/)
    const again = await register('mallory', invite)
    expect(again.result).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('(FORBIDDEN)') })
    expect(again.result.stderr).not.toContain(invite)
  })

  test('are listed with what became of them, and never with the invite itself', async () => {
    const { id, token } = await json(admin, 'invites', 'create', '--expires', '1h')
    const { stdout } = await admin.krown(['invites', 'ls'])
    expect(linesOf(stdout)[0]).toMatch(/^ID +ROLE +STATE +EXPIRES +NOTE$/)
    expect(linesOf(stdout)[1]).toMatch(new RegExp(`^${id} +readonly +good +\\S+`))
    expect(stdout).not.toContain(token)
    expect(JSON.stringify(await json(admin, 'invites', 'ls'))).not.toContain(token)
  })

  test('are revoked, and are then good for nothing', async () => {
    const { id, token } = await json(admin, 'invites', 'create')
    expect((await admin.krown(['invites', 'revoke', id])).stdout).toBe(`${id} is revoked\n`)
    expect((await admin.krown(['invites', 'ls', '--limit', '1'])).stdout).toContain('revoked')
    expect((await register('late', token)).result.exitCode).toBe(4)
    const unknown = await admin.krown(['invites', 'revoke', '01890a5d-ac96-774b-bcce-b302099a8057'])
    expect([unknown.exitCode, unknown.stdout]).toEqual([5, ''])
  })

  test('B02: are made, seen and revoked only by administrators', async () => {
    const operator = await office.desk('operator')
    const { id } = await json(admin, 'invites', 'create')
    for (const args of [['create'], ['ls'], ['revoke', id]]) {
      const { exitCode, stderr } = await operator.krown(['invites', ...args])
      expect([exitCode, stderr]).toEqual([4, expect.stringContaining('(FORBIDDEN)')])
    }
  })

  test('are asked for on a terminal, and where there is none it is said how to do without', async () => {
    const desk = await office.newDesk()
    const args = ['login', '--invite', '--username', 'ada', '--password-stdin']
    const { exitCode, stderr } = await desk.krown(args, { stdin: `${PASSWORD}\n` })
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--invite-file')])
  })
})

describe('logins', () => {
  test('are listed with the one of this machine marked, and others are ended from here', async () => {
    const here = await office.desk('readonly')
    const there = await office.newDesk()
    const args = ['login', '--username', here.username, '--password-stdin']
    expect((await there.krown(args, { stdin: `${PASSWORD}\n` })).exitCode).toBe(0)
    const [titles = '', ...rows] = linesOf((await here.krown(['logins', 'ls'])).stdout)
    expect(titles).toMatch(/^ID +HERE +SINCE +LAST USED +FROM +PROGRAM$/)
    expect(rows.filter((row) => / yes /.test(row))).toHaveLength(1)
    const { items } = await json(here, 'logins', 'ls')
    const elsewhere = items.find(({ current }: { current: boolean }) => !current)
    expect((await here.krown(['logins', 'end', elsewhere.id])).stdout).toBe(`${elsewhere.id} is signed out\n`)
    expect([(await there.krown(['whoami'])).exitCode, (await here.krown(['whoami'])).exitCode]).toEqual([
      3, 0,
    ])
    const left = (await json(here, 'logins', 'ls')).items.map(({ id }: { id: string }) => id)
    expect(left).toHaveLength(items.length - 1)
    expect(left).not.toContain(elsewhere.id)
  })

  test("B03: somebody else's is not found", async () => {
    const { items } = await json(await office.desk('operator'), 'logins', 'ls')
    const { exitCode, stderr } = await admin.krown(['logins', 'end', items[0].id])
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('(NOT_FOUND)')])
  })
})
