import { createTempDir, FakeClock, startHostileSshServer, startSshd } from '@krown/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/parse-config.js'
import { createKrown } from '../../../src/create-krown.js'
import { openKrownAdmin } from '../../../src/open-admin.js'
import { describeOnBothDatabases, describeOnPostgres } from '../../support/databases.js'
import { configFor, krownStarter, loginTo, refusalOf, startKrown } from '../../support/krown-fixture.js'

const PASSWORD = 'a fine long password'
const ORIGIN = { clientIp: null }

test('a gateway on its own runs a command for an operator, and leaves no timer behind', async () => {
  await using sshd = await startSshd()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock })
  const session = await fixture.open(sshd)
  const command = await session.exec('echo hello; exit 3')
  expect(command).toMatchObject({ status: 'completed', exitCode: 3, stdout: 'hello\n' })
  await fixture.krown.close()
  expect(clock.pendingTimers).toBe(0)
})

test('every problem of the configuration is told at once, and nothing is made', async () => {
  await using dir = await createTempDir()
  const input = { dataDir: `${dir.path}/data`, ssh: { maxSessions: 0 }, auth: { accessTokenTtl: '10' } }
  const error = await refusalOf(createKrown(input))
  expect(error).toMatchObject({ code: 'VALIDATION_FAILED' })
  const fields = error.details?.fields as { path: string }[]
  expect(fields.map(({ path }) => path).sort()).toEqual(['auth.access_token_ttl', 'ssh.max_sessions'])
})

test('a SQLite file belongs to one gateway at a time', async () => {
  await using dir = await createTempDir()
  const first = await createKrown({ dataDir: dir.path })
  expect(await refusalOf(createKrown({ dataDir: dir.path }))).toMatchObject({ code: 'CONFLICT' })
  await first.close()
  await using second = await createKrown({ dataDir: dir.path })
  expect(await second.setupRequired()).toBe(true)
})

test('a gateway that does not start lets go of the file', async () => {
  await using dir = await createTempDir()
  const checking = createKrown({ dataDir: dir.path, database: { migrate: 'check' } })
  expect(await refusalOf(checking)).toMatchObject({ code: 'UNAVAILABLE' })
  await using second = await createKrown({ dataDir: dir.path })
  await second.ready()
})

test('two gateways live in one process and do not know each other', async () => {
  await using target = await startHostileSshServer()
  await using one = await startKrown()
  await using other = await startKrown()
  const session = await one.open(target)
  expect(await refusalOf(other.operator.sessions.get(session.id))).toMatchObject({ code: 'NOT_FOUND' })
  expect(await refusalOf(other.krown.as(one.actors.operator).sessions.list())).toMatchObject({
    code: 'UNAUTHENTICATED',
  })
  expect((await other.admin.sessions.list()).items).toEqual([])
  await other.krown.close()
  expect(await session.exec('echo unharmed')).toMatchObject({ stdout: 'unharmed\n' })
})

test('a program may deny more, which is journaled, and never allow more', async () => {
  await using target = await startHostileSshServer()
  const asked: string[] = []
  await using fixture = await startKrown({
    parts: {
      authorize: (actor, permission, resource) => {
        asked.push(`${actor.username} ${permission} ${resource?.kind ?? '-'}`)
        return permission !== 'session:open'
      },
    },
  })
  expect(await refusalOf(fixture.open(target))).toMatchObject({ code: 'FORBIDDEN' })
  expect(await refusalOf(fixture.as('readonly').users.list())).toMatchObject({ code: 'FORBIDDEN' })
  expect(asked).toEqual(['operator session:open target'])
  expect(target.connectionCount).toBe(0)
  const [denied] = await fixture.entries({ action: 'access.denied' })
  expect(denied).toMatchObject({ facts: { permission: 'session:open', code: 'FORBIDDEN' } })
})

test('a logger is told of nothing in a life without trouble', async () => {
  await using target = await startHostileSshServer()
  const told: string[] = []
  const tell = (_fields: object, message: string) => void told.push(message)
  const logger = { debug() {}, info: tell, warn: tell, error: tell }
  await using fixture = await startKrown({ parts: { logger } })
  const session = await fixture.open(target)
  await session.exec('true')
  await fixture.krown.close()
  expect(told).toEqual([])
})

describeOnBothDatabases('a gateway', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('answers nothing once it is closed, and may be closed again', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    await Promise.all([fixture.krown.close(), fixture.krown.close()])
    await fixture.krown.close()
    expect(await refusalOf(fixture.open(target))).toMatchObject({ code: 'DRAINING' })
    for (const late of [
      () => fixture.krown.ready(),
      () => session.exec('true'),
      () => fixture.operator.sessions.list(),
    ])
      expect(await refusalOf(late())).toMatchObject({ code: 'UNAVAILABLE' })
    expect(target.execs).toEqual([])
  })

  test('names the program itself `system` in the journal', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const client = fixture.krown.as(await fixture.krown.actors.system())
    const session = await client.sessions.open(loginTo(target))
    await session.exec('true')
    const entries = await fixture.entries({ resourceId: session.id })
    expect(entries[0]).toMatchObject({ actorKind: 'system', details: { username: 'system' } })
    expect((await client.users.list()).items.map(({ username }) => username)).not.toContain('system')
  })

  test('is administered by somebody on the machine while it runs', async () => {
    const opened = await openTestDatabase()
    await using fixture = await startKrown({
      place: opened.place,
      remove: async () => opened[Symbol.asyncDispose](),
    })
    await using machine = await openKrownAdmin(parseConfig(configFor(opened.place)))
    expect(await fixture.krown.setupRequired()).toBe(true)
    const admin = await machine.createFirstAdmin({ username: 'Root', password: PASSWORD })
    expect(admin).toMatchObject({ username: 'root', role: 'admin' })
    expect(await fixture.krown.setupRequired()).toBe(false)
    const again = machine.createFirstAdmin({ username: 'other', password: PASSWORD })
    expect(await refusalOf(again)).toMatchObject({ code: 'CONFLICT' })
    const { accessToken } = await fixture.krown.auth.login({ username: 'root', password: PASSWORD }, ORIGIN)
    const actor = await fixture.krown.auth.authenticate(accessToken, ORIGIN)
    expect(await fixture.krown.as(actor).auth.me()).toMatchObject({ id: admin.id })
    await machine.resetPassword({ username: 'root', password: 'quite another password' })
    const old = fixture.krown.auth.login({ username: 'root', password: PASSWORD }, ORIGIN)
    expect(await refusalOf(old)).toMatchObject({ code: 'UNAUTHENTICATED' })
    const input = { username: 'root', password: 'quite another password' }
    expect(await fixture.krown.auth.login(input, ORIGIN)).toMatchObject({ user: { id: admin.id } })
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
  })

  test('may be administered before it ever ran', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    await using machine = await openKrownAdmin(parseConfig(configFor(opened.place)))
    const input = { username: 'root', password: PASSWORD }
    expect(await machine.createFirstAdmin(input)).toMatchObject({ username: 'root' })
    const unknown = machine.resetPassword({ username: 'nobody', password: PASSWORD })
    expect(await refusalOf(unknown)).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('waits for an admin to migrate when it is told to only check', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    const config = configFor(opened.place, { database: { migrate: 'check' } })
    const checking = { ...config, database: { ...config.database, migrate: 'check' as const } }
    await using machine = await openKrownAdmin(parseConfig(checking))
    const input = { username: 'root', password: PASSWORD }
    expect(await refusalOf(machine.createFirstAdmin(input))).toMatchObject({ code: 'UNAVAILABLE' })
    expect(await refusalOf(createKrown(checking))).toMatchObject({ code: 'UNAVAILABLE' })
    await machine.migrate()
    expect(await machine.createFirstAdmin(input)).toMatchObject({ username: 'root' })
    await using krown = await createKrown(checking)
    expect(await krown.setupRequired()).toBe(false)
  })
})

describeOnPostgres('a gateway', (openTestDatabase) => {
  test("uses the program's pool, protects its database, and leaves it open", async () => {
    await using opened = await openTestDatabase()
    if (opened.place.kind !== 'postgres') throw new Error('not PostgreSQL')
    const pool = new pg.Pool({ connectionString: opened.place.url, max: 3 })
    const config = { database: { schema: opened.place.schema }, ssh: configFor(opened.place).ssh }
    const krown = await createKrown(config, { pgPool: pool })
    const client = krown.as(await krown.actors.system())
    const { port } = new URL(opened.place.url)
    const auth = { method: 'password', password: 'x' } as const
    const atDatabase = client.sessions.open({ host: 'localhost', port: Number(port), username: 'x', auth })
    expect(await refusalOf(atDatabase)).toMatchObject({ code: 'TARGET_POLICY_DENIED' })
    await krown.close()
    const { rows } = await pool.query('select 1 as one')
    expect(rows).toEqual([{ one: 1 }])
    await pool.end()
  })

  test('E08: does not reach its own database', async () => {
    await using opened = await openTestDatabase()
    if (opened.place.kind !== 'postgres') throw new Error('not PostgreSQL')
    await using fixture = await startKrown({ place: opened.place })
    const { hostname, port } = new URL(opened.place.url)
    const peer = { host: hostname, port: Number(port), username: 'x', privateKey: '' }
    const auth = { method: 'password', password: 'x' } as const
    for (const host of [hostname, 'localhost', '127.0.0.1']) {
      const error = await refusalOf(fixture.open(peer, { host, auth }))
      expect(error).toMatchObject({ code: 'TARGET_POLICY_DENIED' })
    }
  })
})
