import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { krown } from '../support/krown.js'
import { type Office, PASSWORD, startOffice } from '../support/office.js'

let office: Office
beforeAll(async () => {
  office = await startOffice()
})
afterAll(() => office[Symbol.asyncDispose]())

const storeOf = (home: string) => join(home, '.config', 'krown')

async function loginFileOf(home: string): Promise<string> {
  const directory = join(storeOf(home), 'logins')
  const [name = 'none'] = await readdir(directory)
  return join(directory, name)
}

const readLogin = async (home: string) => JSON.parse(await readFile(await loginFileOf(home), 'utf8'))

describe('login', () => {
  test('stays signed in, at the server that it was given', async () => {
    const desk = await office.desk('operator')
    const { stdout, exitCode } = await krown(['whoami', '--json'], { env: { HOME: desk.home } })
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ username: desk.username })])
  })

  test('keeps what it writes to its user, and the password nowhere', async () => {
    const { home } = await office.desk('readonly')
    const store = storeOf(home)
    const names = (await readdir(store, { recursive: true })).sort()
    expect(names).toEqual(['config.json', 'logins', expect.stringMatching(/^logins\/http.*\.json$/)])
    const modes = await Promise.all(
      ['.', ...names].map(async (name) => (await stat(join(store, name))).mode & 0o777),
    )
    expect(modes).toEqual([0o700, 0o600, 0o700, 0o600])
    const texts = await Promise.all(
      [names[0], names[2]].map((name) => readFile(join(store, String(name)), 'utf8')),
    )
    expect(texts.join()).not.toContain(PASSWORD)
    expect(JSON.parse(String(texts[0]))).toEqual({ url: office.url })
  })

  test('says when name or password are wrong, with an exit code of its own', async () => {
    const desk = await office.newDesk()
    const stdin = 'a wrong but long password\n'
    const wrong = await desk.krown(['login', '--username', 'nobody', '--password-stdin'], { stdin })
    expect(wrong).toMatchObject({ exitCode: 3, stdout: '' })
    expect(wrong.stderr).toContain('(UNAUTHENTICATED)')
    expect(wrong.stderr).not.toContain('a wrong but long password')
  })

  test('asks nobody where there is no terminal, and says how to do without', async () => {
    const desk = await office.newDesk()
    const { exitCode, stderr } = await desk.krown(['login', '--username', 'ada'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--password-stdin')])
  })

  test('--setup makes the first administrator of a new server', async () => {
    await using fresh = await startOffice()
    const desk = await fresh.newDesk()
    const file = join(desk.home, 'setup-token')
    await writeFile(file, `${fresh.gateway.setupToken}\n`)
    const args = [
      'login',
      '--setup',
      '--username',
      'ada',
      '--setup-token-file',
      file,
      '--password-stdin',
      '--json',
    ]
    const first = await desk.krown(args, { stdin: PASSWORD })
    expect([first.stderr, JSON.parse(first.stdout)]).toEqual(['', expect.objectContaining({ role: 'admin' })])
    expect((await desk.krown(['whoami'])).stdout).toMatch(/^name +ada\nrole +admin\n/)
    const second = await desk.krown(args, { stdin: PASSWORD })
    expect([second.exitCode, JSON.parse(second.stderr).error.code]).toEqual([6, 'CONFLICT'])
  })
})

describe('a login', () => {
  test('that has expired is refreshed, and what came instead is kept', async () => {
    const desk = await office.desk('readonly')
    const before = await readLogin(desk.home)
    const expired = { ...before, accessTokenExpiresAt: '2020-01-01T00:00:00.000Z' }
    await writeFile(await loginFileOf(desk.home), JSON.stringify(expired))
    expect((await desk.krown(['whoami'])).exitCode).toBe(0)
    const after = await readLogin(desk.home)
    expect(after.refreshToken).not.toBe(before.refreshToken)
    expect(Date.parse(after.accessTokenExpiresAt)).toBeGreaterThan(Date.now())
    expect((await stat(await loginFileOf(desk.home))).mode & 0o777).toBe(0o600)
  })

  test('A16: two that refresh it at once both go on', async () => {
    const desk = await office.desk('readonly')
    const expired = { ...(await readLogin(desk.home)), accessTokenExpiresAt: '2020-01-01T00:00:00.000Z' }
    await writeFile(await loginFileOf(desk.home), JSON.stringify(expired))
    const both = await Promise.all([desk.krown(['whoami']), desk.krown(['whoami'])])
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect((await desk.krown(['whoami'])).exitCode).toBe(0)
  })

  test('A14: ends with logout, here and at the server', async () => {
    const desk = await office.desk('readonly')
    const { accessToken } = await readLogin(desk.home)
    expect((await desk.krown(['logout'])).exitCode).toBe(0)
    expect(await readdir(join(storeOf(desk.home), 'logins'))).toEqual([])
    const asBefore = await desk.krown(['whoami'], { env: { KROWN_TOKEN: accessToken } })
    expect([asBefore.exitCode, (await desk.krown(['whoami'])).exitCode]).toEqual([3, 3])
  })

  test('is forgotten here even when the server cannot be told', async () => {
    const desk = await office.desk('readonly')
    const file = await loginFileOf(desk.home)
    const url = `http://127.0.0.1:${await findFreePort()}`
    const elsewhere = join(storeOf(desk.home), 'logins', `${encodeURIComponent(url)}.json`)
    await writeFile(elsewhere, await readFile(file), { mode: 0o600 })
    const { exitCode, stderr } = await desk.krown(['logout', '--url', url])
    expect([exitCode, stderr]).toEqual([7, expect.stringContaining('could not be told')])
    expect(await readdir(join(storeOf(desk.home), 'logins'))).toHaveLength(1)
  })

  test('is sent to no other server than its own', async () => {
    await using other = await startOffice()
    const desk = await office.desk('readonly')
    const { exitCode } = await desk.krown(['whoami', '--url', other.url])
    expect(exitCode).toBe(3)
    expect((await desk.krown(['whoami', '--url', `${office.url}/`])).exitCode).toBe(0)
  })

  test('in a file that others can use is not used', async () => {
    const desk = await office.desk('readonly')
    await chmod(await loginFileOf(desk.home), 0o644)
    const { exitCode, stderr } = await desk.krown(['whoami'])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('chmod 600')])
  })
})

describe('scripts', () => {
  test('give url and token in the environment, and nothing is written', async () => {
    const { token, user } = await office.gateway.person('readonly')
    const desk = await office.newDesk()
    const { stdout } = await desk.krown(['whoami', '--json'], { env: { KROWN_TOKEN: token } })
    expect(JSON.parse(stdout)).toMatchObject({ id: user.id })
    expect(await readdir(desk.home)).toEqual([])
  })

  test('hear when the token is no good, but not the token', async () => {
    const desk = await office.newDesk()
    const token = 'krn_pat_0000000000000000_00000_000000'
    const { exitCode, stderr, stdout } = await desk.krown(['whoami'], { env: { KROWN_TOKEN: token } })
    expect([exitCode, stdout]).toEqual([3, ''])
    expect(stderr).toContain('KROWN_TOKEN')
    expect(stderr).not.toContain(token)
  })
})

describe('without', () => {
  test('a server that answers', async () => {
    const env = { KROWN_URL: `http://127.0.0.1:${await findFreePort()}`, KROWN_TOKEN: 'x' }
    const { exitCode, stderr } = await krown(['whoami'], { env })
    expect([exitCode, stderr]).toEqual([7, expect.stringMatching(/ECONNREFUSED.*CONNECTION_LOST/)])
  })

  test('a server that is known', async () => {
    const { exitCode, stderr } = await krown(['whoami'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('krown login')])
  })

  test('a Krown at that address', async () => {
    const { exitCode, stderr } = await krown(['whoami'], { env: { KROWN_URL: 'ftp://example.com' } })
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('http')])
  })

  test('being signed in', async () => {
    const desk = await office.newDesk()
    const { exitCode, stderr } = await desk.krown(['sessions', 'ls', '--json'])
    expect([exitCode, JSON.parse(stderr).error]).toEqual([
      3,
      expect.objectContaining({ code: 'UNAUTHENTICATED', hint: expect.stringContaining('krown login') }),
    ])
  })
})
