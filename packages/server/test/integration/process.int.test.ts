import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Command, LoginResult } from '@krown/core'
import {
  createTempDir,
  findFreePort,
  findPostgres,
  startFaultProxy,
  startLocalSshServer,
  startPostgres,
  waitFor,
} from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { PASSWORD } from '../support/gateway.js'
import { runServer, type ServerProcess } from '../support/server-process.js'

const postgres = await findPostgres()
const MASTER_KEY = randomBytes(32).toString('base64')

/** On a free port, with its data in `dir`. */
const inDir = (dir: string, env: Record<string, string> = {}) => ({
  KROWN_DATA_DIR: join(dir, 'data'),
  KROWN_SERVER__PORT: '0',
  KROWN_LOGGING__FORMAT: 'json',
  ...env,
})

/** The first administrator, made with the token of the data directory. */
async function signInAsAdmin(url: string, dir: string): Promise<string> {
  const setupToken = readFileSync(join(dir, 'data', 'setup-token'), 'utf8').trim()
  const account = { username: 'admin', password: PASSWORD }
  await call(url, 'POST /api/auth/register', { body: { ...account, setupToken } })
  const { body } = await call<LoginResult>(url, 'POST /api/auth/login', { body: account })
  return body.accessToken
}

async function stop(server: ServerProcess) {
  server.kill('SIGTERM')
  return server.exited
}

describe('start', () => {
  test('says where it listens and how the first administrator is made, but not the token', async () => {
    await using dir = await createTempDir()
    await using server = runServer(['start'], { env: inDir(dir.path) })
    const url = await server.url()
    expect((await call(url, 'GET /readyz')).status).toBe(200)
    const tokenFile = join(dir.path, 'data', 'setup-token')
    const token = readFileSync(tokenFile, 'utf8').trim()
    await waitFor(() => server.stderr.includes('admin create'), { what: 'the notice' })
    expect(server.stderr).toContain(`${url}/docs`)
    expect(server.stderr).toContain(tokenFile)
    expect(server.stdout + server.stderr).not.toContain(token)

    const body = { username: 'admin', password: PASSWORD, setupToken: token }
    expect((await call(url, 'POST /api/auth/register', { body })).status).toBe(201)
    expect(await stop(server)).toMatchObject({ exitCode: 0 })

    await using again = runServer(['start'], { env: inDir(dir.path) })
    await again.url()
    expect(await stop(again)).toMatchObject({ exitCode: 0 })
    expect(again.stderr).not.toContain('administrator')
    expect(readdirSync(join(dir.path, 'data'))).not.toContain('setup-token')
  })

  test('keeps what it writes to itself', async () => {
    await using dir = await createTempDir()
    await using server = runServer(['start'], { env: inDir(dir.path) })
    await server.url()
    const data = join(dir.path, 'data')
    for (const name of ['.', ...readdirSync(data)])
      expect([name, statSync(join(data, name)).mode & 0o077]).toEqual([name, 0])
  })

  test('E08: is no target of its own sessions, even where loopback is allowed', async () => {
    await using dir = await createTempDir()
    const loopback = { KROWN_SSH__OUTBOUND__ALLOW_LOOPBACK: 'true', KROWN_SSH__OUTBOUND__ADHOC_PORTS: '' }
    await using server = runServer(['start'], { env: inDir(dir.path, loopback) })
    const url = await server.url()
    const token = await signInAsAdmin(url, dir.path)
    for (const host of ['127.0.0.1', 'localhost', '::ffff:127.0.0.1']) {
      const body = {
        host,
        port: Number(new URL(url).port),
        username: 'x',
        auth: { method: 'password', password: 'x' },
      }
      const answer = await call(url, 'POST /api/sessions', { token, body })
      expect([host, answer.status, answer.body.code]).toEqual([host, 403, 'TARGET_POLICY_DENIED'])
    }
  })

  test.skipIf(process.platform !== 'linux')('gives its thread pool 16 threads', async () => {
    await using dir = await createTempDir()
    await using server = runServer(['start'], { env: inDir(dir.path) })
    await server.url()
    expect(readdirSync(`/proc/${server.pid}/task`).length).toBeGreaterThanOrEqual(20)
  })

  test('says what to do when the port is taken', async () => {
    await using dir = await createTempDir()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const port = String((other.address() as AddressInfo).port)
    await using server = runServer(['start'], { env: inDir(dir.path, { KROWN_SERVER__PORT: port }) })
    const { exitCode, stderr } = await server.exited
    other.close()
    expect(exitCode).toBe(1)
    expect(stderr).toContain(
      'another program listens there; stop it, or set server.port (KROWN_SERVER__PORT)',
    )
  })

  test('refuses a second server on the same data', async () => {
    await using dir = await createTempDir()
    await using first = runServer(['start'], { env: inDir(dir.path) })
    const url = await first.url()
    await using second = runServer(['start'], { env: inDir(dir.path) })
    expect((await second.exited).exitCode).toBe(1)
    expect(second.stderr).toMatch(/^krown-server: /m)
    expect((await call(url, 'GET /readyz')).status).toBe(200)
  })

  test('leaves no setup token when it does not come up and there may be an administrator', async () => {
    await using dir = await createTempDir()
    await using first = runServer(['start'], { env: inDir(dir.path) })
    await signInAsAdmin(await first.url(), dir.path)
    rmSync(join(dir.path, 'data', 'setup-token'))
    await using second = runServer(['start'], { env: inDir(dir.path) })
    expect((await second.exited).exitCode).toBe(1)
    expect(readdirSync(join(dir.path, 'data'))).not.toContain('setup-token')
  })

  test('tells how to make an administrator in the very database that it uses', async () => {
    await using dir = await createTempDir()
    const file = join(dir.path, 'krown.toml')
    writeFileSync(file, '', { mode: 0o600 })
    await using server = runServer(['start', '--config', file], { env: inDir(dir.path) })
    await server.url()
    await waitFor(() => server.stderr.includes('admin create'), { what: 'the notice' })
    expect(server.stderr).toContain(`krown-server.cjs admin create --username admin --config ${file}\n`)
  })

  test('tells everything that is wrong with the configuration at once', async () => {
    await using dir = await createTempDir()
    const env = inDir(dir.path, {
      KROWN_SERVER__PORT: 'x',
      KROWN_SSH__IDLE_TIMEOUT: '5',
      KROWN_SERVER__PROT: '1',
    })
    await using server = runServer(['start'], { env })
    const { exitCode, stderr } = await server.exited
    expect(exitCode).toBe(1)
    for (const path of ['server.port', 'ssh.idle_timeout', 'KROWN_SERVER__PROT'])
      expect(stderr).toContain(`  ${path}: `)
  })

  test('does not serve other machines over plain HTTP by accident', async () => {
    await using dir = await createTempDir()
    await using server = runServer(['start'], { env: inDir(dir.path, { KROWN_SERVER__HOST: '0.0.0.0' }) })
    const { exitCode, stderr } = await server.exited
    expect([exitCode, stderr.includes('server.tls_cert')]).toEqual([1, true])
  })

  test('A32: refuses a weak secret', async () => {
    await using dir = await createTempDir()
    await using server = runServer(['start'], { env: inDir(dir.path, { JWT_SECRET: 'secret' }) })
    const { exitCode, stderr } = await server.exited
    expect([exitCode, stderr.includes('auth.jwt_secret: must have at least 32 bytes')]).toEqual([1, true])
  })

  test('is stopped like ever while it waits for a database', async () => {
    await using dir = await createTempDir()
    const [port, databasePort] = [await findFreePort(), await findFreePort()]
    const env = inDir(dir.path, {
      DATABASE_URL: `postgres://krown@127.0.0.1:${databasePort}/krown`,
      JWT_SECRET: 'b1946ac92492d2347c6235b4d2611184',
      KROWN_VAULT__MASTER_KEY: MASTER_KEY,
      KROWN_SERVER__PORT: String(port),
    })
    await using server = runServer(['start'], { env })
    await waitFor(() => server.stdout.includes('the database does not answer'), {
      what: 'it to wait',
      timeoutMs: 20_000,
    })
    expect(await stop(server)).toMatchObject({ exitCode: 0 })
  })

  test.skipIf(postgres === undefined)(
    'H01: waits for a database that does not answer, alive but not ready, and begins by itself',
    async () => {
      await using database = await startPostgres()
      await using proxy = await startFaultProxy(database)
      await proxy.down()
      await using dir = await createTempDir()
      const address = new URL(database.url())
      address.port = String(proxy.port)
      const env = inDir(dir.path, {
        DATABASE_URL: address.href,
        JWT_SECRET: 'b1946ac92492d2347c6235b4d2611184',
        KROWN_VAULT__MASTER_KEY: MASTER_KEY,
        KROWN_SERVER__PORT: String(await findFreePort()),
      })
      await using server = runServer(['start'], { env })
      const url = `http://127.0.0.1:${env.KROWN_SERVER__PORT}`
      const statusOf = (path: string) =>
        call(url, `GET ${path}`)
          .then(({ status }) => status)
          .catch(() => 0)
      await waitFor(async () => (await statusOf('/healthz')) === 200, {
        what: 'the process to live',
        timeoutMs: 20_000,
      })
      expect([await statusOf('/readyz'), await statusOf('/api/system/info')]).toEqual([503, 503])
      await proxy.pass()
      await waitFor(async () => (await statusOf('/readyz')) === 200, {
        what: 'the server to begin',
        timeoutMs: 20_000,
      })
      expect(await stop(server)).toMatchObject({ exitCode: 0 })
    },
  )
})

describe('H12: stopping', () => {
  /** A server with an operator's session on this machine. */
  async function withSession(
    env: Record<string, string>,
    work: (on: {
      server: ServerProcess
      url: string
      execute(body: object): Promise<{ status: number; body: Command }>
      token: string
      sessionId: unknown
    }) => Promise<void>,
  ) {
    await using dir = await createTempDir()
    await using target = await startLocalSshServer()
    const allow = {
      KROWN_SSH__OUTBOUND__ALLOW: `127.0.0.1:${target.port}`,
      KROWN_SSH__OUTBOUND__ADHOC_PORTS: '',
    }
    await using server = runServer(['start'], { env: inDir(dir.path, { ...allow, ...env }) })
    const url = await server.url()
    const token = await signInAsAdmin(url, dir.path)
    const { port, username, password } = target
    const open = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
    const { body: session } = await call(url, 'POST /api/sessions', { token, body: open })
    const execute = (body: object) =>
      call<Command>(url, `POST /api/sessions/${session.id}/execute`, { token, body })
    await work({ server, url, execute, token, sessionId: session.id })
  }

  const isDraining = async (url: string) => (await call(url, 'GET /readyz')).body.code === 'DRAINING'

  test('new work is refused at once, what runs may end, and its caller gets the answer', () =>
    withSession({}, async ({ server, url, execute, token, sessionId }) => {
      const running = execute({ command: 'echo begun; sleep 1; echo done' })
      await waitFor(() => hasRunning(url, token), { what: 'the command to run' })
      server.kill('SIGTERM')
      await waitFor(() => isDraining(url), { what: 'the drain' })
      const refused = await call(url, `POST /api/sessions/${sessionId}/execute`, {
        token,
        body: { command: 'true' },
      })
      expect(refused).toMatchObject({ status: 503, body: { code: 'DRAINING', retryable: true } })
      expect(refused.headers.get('retry-after')).not.toBeNull()
      expect((await call(url, 'GET /api/commands', { token })).status).toBe(200)
      expect((await call(url, 'GET /healthz')).status).toBe(200)
      expect(await running).toMatchObject({
        status: 200,
        body: { status: 'completed', stdout: 'begun\ndone\n' },
      })
      expect(await server.exited).toMatchObject({ exitCode: 0 })
    }))

  test('what does not end in time is interrupted, and its caller is told', () =>
    withSession({ KROWN_SERVER__DRAIN_TIMEOUT: '200ms' }, async ({ server, url, execute, token }) => {
      const running = execute({ command: 'sleep 60' })
      await waitFor(() => hasRunning(url, token), { what: 'the command to run' })
      server.kill('SIGTERM')
      expect(await running).toMatchObject({ status: 200, body: { status: 'interrupted' } })
      expect(await server.exited).toMatchObject({ exitCode: 0 })
    }))

  test('a second signal does not wait', () =>
    withSession({ KROWN_SERVER__DRAIN_TIMEOUT: '10m' }, async ({ server, url, execute, token }) => {
      const running = execute({ command: 'sleep 60' })
      await waitFor(() => hasRunning(url, token), { what: 'the command to run' })
      server.kill('SIGTERM')
      await waitFor(() => isDraining(url), { what: 'the drain' })
      server.kill('SIGINT')
      expect(await running).toMatchObject({ status: 200, body: { status: 'interrupted' } })
      expect(await server.exited).toMatchObject({ exitCode: 0 })
    }))

  async function hasRunning(url: string, token: string): Promise<boolean> {
    const { body } = await call<{ items: unknown[] }>(url, 'GET /api/commands?status=running', { token })
    return body.items.length > 0
  }
})

describe('init', () => {
  test('writes what start needs, replaces nothing, and says what comes next', async () => {
    await using dir = await createTempDir()
    await using first = runServer(['init', '--dir', dir.path])
    const { exitCode, stdout } = await first.exited
    expect(exitCode).toBe(0)
    const config = join(dir.path, 'krown.toml')
    const commands = [...stdout.matchAll(/^ {2}node \S+krown-server\.cjs (.+)$/gm)].map(
      ([, command]) => command,
    )
    expect(commands).toEqual([
      `config check --config ${config}`,
      `admin create --config ${config} --username admin`,
      `start --config ${config}`,
    ])
    for (const name of ['krown.toml', 'data/jwt-secret', 'data/master-key', 'data/setup-token', 'data']) {
      expect([name, statSync(join(dir.path, name)).mode & 0o077]).toEqual([name, 0])
    }
    expect(stdout.match(/a backup without that file\s+is useless/g)).toHaveLength(1)
    const unit = readFileSync(join(dir.path, 'krown.service'), 'utf8')
    for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'CapabilityBoundingSet='])
      expect(unit).toContain(line)
    expect(unit).toMatch(new RegExp(`^ExecStart=.*krown-server.cjs" "start" "--config" "${config}"$`, 'm'))

    await using check = runServer(['config', 'check', '--config', config])
    const checked = await check.exited
    expect(checked.exitCode).toBe(0)
    expect(checked.stdout).toMatch(/allow_adhoc_hosts = false/)
    const before = readFileSync(config, 'utf8')
    await using second = runServer(['init', '--dir', dir.path])
    expect(await second.exited).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('already there'),
    })
    expect(readFileSync(config, 'utf8')).toBe(before)
  })
})

describe('config check', () => {
  test('prints the configuration in effect with secrets masked, and changes nothing', async () => {
    await using dir = await createTempDir()
    const secret = 'b1946ac92492d2347c6235b4d2611184'
    await using check = runServer(['config', 'check'], {
      env: inDir(dir.path, {
        JWT_SECRET: secret,
        KROWN_VAULT__MASTER_KEY: MASTER_KEY,
        KROWN_SERVER__PORT: '9000',
      }),
    })
    const { exitCode, stdout, stderr } = await check.exited
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^port = 9000 # KROWN_SERVER__PORT$/m)
    for (const one of [secret, MASTER_KEY]) expect(stdout + stderr).not.toContain(one)
    expect(readdirSync(dir.path)).toEqual([])
  })

  test('says which master key the database names when its file is missing, as start does', async () => {
    await using dir = await createTempDir()
    const env = inDir(dir.path)
    await using server = runServer(['start'], { env })
    await server.url()
    await stop(server)
    rmSync(join(dir.path, 'data', 'master-key'))
    for (const command of [['config', 'check'], ['start']]) {
      await using refused = runServer(command, { env })
      const { exitCode, stderr } = await refused.exited
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(/vault\.master_key: the database was used with key /),
      ])
    }
  })

  test('lists every problem that start would refuse', async () => {
    await using dir = await createTempDir()
    const file = join(dir.path, 'krown.toml')
    writeFileSync(file, '[server]\nhost = "0.0.0.0"\n[database]\nurl = "postgres://db/krown"\n')
    await using check = runServer(['config', 'check', '--config', file])
    const { exitCode, stdout, stderr } = await check.exited
    expect([exitCode, stdout]).toEqual([1, ''])
    for (const path of ['server.host', 'auth.jwt_secret', 'vault.master_key'])
      expect(stderr).toContain(`  ${path}: `)
  })
})

describe('admin', () => {
  const grant = (dir: string, username: string) =>
    runServer(['admin', 'grant-instance', '--username', username], { env: inDir(dir) }).exited
  const admin = (dir: string, verb: string, stdin: string) =>
    runServer(['admin', verb, '--username', 'root', '--password-stdin'], { env: inDir(dir), stdin }).exited

  test('is made once, signs in, and gets a new password while the server runs', async () => {
    await using dir = await createTempDir()
    expect(await admin(dir.path, 'create', `${PASSWORD}\n`)).toMatchObject({ exitCode: 0 })
    const again = await admin(dir.path, 'create', PASSWORD)
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('admin reset') })

    await using server = runServer(['start'], { env: inDir(dir.path) })
    const url = await server.url()
    const login = (password: string) =>
      call<LoginResult>(url, 'POST /api/auth/login', { body: { username: 'root', password } })
    const { body, status } = await login(PASSWORD)
    expect([status, body.user.role]).toEqual([200, 'admin'])
    const done = { exitCode: 0, stdout: 'root is an administrator of the instance.\n' }
    expect(await grant(dir.path, 'root')).toMatchObject(done)
    const nobody = { exitCode: 1, stderr: 'krown-server: user not found\n' }
    expect(await grant(dir.path, 'nobody')).toMatchObject(nobody)
    expect(await admin(dir.path, 'reset', 'another good passphrase')).toMatchObject({ exitCode: 0 })
    expect((await login(PASSWORD)).status).toBe(401)
    expect((await login('another good passphrase')).status).toBe(200)
    const soon = { what: 'the old token to die', timeoutMs: 5000 }
    await waitFor(
      async () => (await call(url, 'GET /api/auth/me', { token: body.accessToken })).status === 401,
      soon,
    )
  })

  test('with a password that is too short is told so', async () => {
    await using dir = await createTempDir()
    expect(await admin(dir.path, 'create', 'short')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('password'),
    })
  })

  test('needs a terminal to show a password on', async () => {
    await using dir = await createTempDir()
    await using create = runServer(['admin', 'create', '--username', 'root'], { env: inDir(dir.path) })
    expect(await create.exited).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('--password-stdin'),
    })
  })
})

describe('token create', () => {
  const create = (dir: string, ...args: string[]) =>
    runServer(['token', 'create', '--user', 'admin', '--name', 'ci', ...args], { env: inDir(dir) }).exited

  test('prints a token that works at the running server, and nothing else on standard output', async () => {
    await using dir = await createTempDir()
    await using server = runServer(['start'], { env: inDir(dir.path) })
    const url = await server.url()
    const accessToken = await signInAsAdmin(url, dir.path)
    const { exitCode, stdout, stderr } = await create(dir.path, '--scope', 'user:list', '--expires', '30d')
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^krn_pat_\w{83}\n$/)])
    expect(stderr).not.toContain(stdout.trim())
    const token = stdout.trim()
    expect((await call(url, 'GET /api/users', { token })).status).toBe(200)
    expect((await call(url, 'GET /api/sessions', { token })).status).toBe(403)
    const { body } = await call(url, 'GET /api/tokens', { token: accessToken })
    expect(body.items).toMatchObject([{ name: 'ci', scopes: ['user:list'], revokedAt: null }])
  })

  test.each([
    [['--scope', 'sesion:open'], 'did you mean session:open?'],
    [['--expires', 'soon'], '--expires takes'],
    [['--expires', '2020-01-01'], 'expiresAt'],
    [['--user', 'nobody'], 'user not found'],
  ])('says what is wrong with %j', async (args, message) => {
    await using dir = await createTempDir()
    const account = ['admin', 'create', '--username', 'admin', '--password-stdin']
    await runServer(account, { env: inDir(dir.path), stdin: PASSWORD }).exited
    expect(await create(dir.path, ...args)).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
  })
})

test('a command that is not known is wrong usage', async () => {
  await using strat = runServer(['strat'])
  expect(await strat.exited).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('Did you mean start?'),
  })
})
