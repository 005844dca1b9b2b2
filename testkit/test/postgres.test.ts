import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { TestProject } from 'vitest/node'
import {
  createTestDatabase,
  findPostgres,
  queryPostgres,
  startFaultProxy,
  startPostgres,
  waitFor,
} from '../src/index.js'
import setup from '../src/postgres-global-setup.js'
import { isAlive } from '../src/process-tree.js'

describe.skipIf(!(await findPostgres()))('startPostgres', () => {
  test('serves databases that do not see each other', async () => {
    await using server = await startPostgres()
    const one = await server.createDatabase()
    const two = await server.createDatabase('two')
    expect(two).toBe(server.url('two'))
    await queryPostgres(one, 'CREATE TABLE t (a int, b text)')
    await queryPostgres(one, "INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    expect(await queryPostgres(one, 'SELECT * FROM t ORDER BY a')).toEqual([
      ['1', 'x'],
      ['2', null],
    ])
    await expect(queryPostgres(two, 'SELECT * FROM t')).rejects.toThrow(/relation "t" does not exist/)
  })

  test('a test database is dropped although somebody is connected', async () => {
    await using server = await startPostgres()
    const database = await createTestDatabase(server.url())
    const sleeping = queryPostgres(database.url, 'SELECT pg_sleep(1000)')
    const lost = expect(sleeping).rejects.toThrow(/terminating/)
    const busy = `SELECT 1 FROM pg_stat_activity WHERE datname = '${database.name}' AND state = 'active'`
    await waitFor(async () => (await queryPostgres(server.url(), busy)).length > 0, {
      what: 'the sleeping query',
    })
    await database.stop()
    await lost
    const found = await queryPostgres(
      server.url(),
      `SELECT 1 FROM pg_database WHERE datname = '${database.name}'`,
    )
    expect(found).toEqual([])
  })

  test('restart after kill keeps port and data', async () => {
    await using server = await startPostgres()
    const { port, pid } = server
    await queryPostgres(server.url(), 'CREATE TABLE kept (a int)')
    await server.kill()
    expect(isAlive(pid)).toBe(false)
    await expect(queryPostgres(server.url(), 'SELECT 1')).rejects.toThrow()
    await server.restart()
    expect(server.port).toBe(port)
    expect(await queryPostgres(server.url(), 'SELECT count(*) FROM kept')).toEqual([['0']])
  })

  test('a paused server answers nothing until resumed', async () => {
    await using server = await startPostgres()
    await server.pause()
    let answered = false
    const query = queryPostgres(server.url(), 'SELECT 1').then((rows) => {
      answered = true
      return rows
    })
    // Another server's work is the measure of time.
    await using other = await startPostgres()
    await queryPostgres(other.url(), 'SELECT 1')
    expect(answered).toBe(false)
    server.resume()
    expect(await query).toEqual([['1']])
  })

  test('obeys settings', async () => {
    await using server = await startPostgres({ settings: { max_connections: '7' } })
    expect(await queryPostgres(server.url(), 'SHOW max_connections')).toEqual([['7']])
  })

  test('stop ends the server, paused or not, and removes its data', async () => {
    await using server = await startPostgres()
    const [[data = ''] = []] = (await queryPostgres(server.url(), 'SHOW data_directory')) as [string[]]
    expect(existsSync(data)).toBe(true)
    await server.pause()
    await server.stop()
    expect(isAlive(server.pid)).toBe(false)
    expect(existsSync(data)).toBe(false)
  })

  test('a commit whose answer is lost is still a commit', async () => {
    await using server = await startPostgres()
    await using proxy = await startFaultProxy(server)
    await queryPostgres(server.url(), 'CREATE TABLE t (a int)')
    const cut = proxy.cutWhenClientSends('COMMIT', { delivered: true })
    const throughProxy = `postgres://postgres@${proxy.host}:${proxy.port}/postgres`
    await expect(queryPostgres(throughProxy, 'BEGIN; INSERT INTO t VALUES (1); COMMIT')).rejects.toThrow()
    await cut
    expect(await queryPostgres(server.url(), 'SELECT * FROM t')).toEqual([['1']])
  })

  test('the global setup provides a server until its teardown', async () => {
    const provided = new Map<string, string>()
    const project = { provide: (key: string, value: string) => provided.set(key, value) }
    const teardown = await setup(project as unknown as TestProject)
    const url = provided.get('postgresUrl') ?? ''
    expect(await queryPostgres(url, 'SELECT 1')).toEqual([['1']])
    await teardown?.()
    await expect(queryPostgres(url, 'SELECT 1')).rejects.toThrow()
  })
})
