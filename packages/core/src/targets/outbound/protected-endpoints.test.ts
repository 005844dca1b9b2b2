import { expect, test } from 'vitest'
import { ProtectedEndpoints } from './protected-endpoints.js'

const endpointsOf = async (url: string, pool?: object) => {
  const server = { host: '127.0.0.1', port: 0 }
  const config = { server, database: { url } } as never
  return (await ProtectedEndpoints.of(config, pool as never)).list()
}

test('the port that Krown listens on is protected, unless the system chooses one later', async () => {
  const endpoints = await ProtectedEndpoints.of({
    server: { host: '0.0.0.0', port: 8080 },
    database: { url: '' },
  } as never)
  expect(endpoints.list()).toEqual([{ host: '0.0.0.0', port: 8080 }])
  endpoints.add({ host: '::', port: 9090 })
  expect(endpoints.list()).toHaveLength(2)
  expect(await endpointsOf('')).toEqual([])
})

test('the database is protected by name and by the addresses that the name stands for', async () => {
  const [localhost] = await endpointsOf('postgres://krown:secret@localhost:5433/krown')
  expect(localhost).toMatchObject({ host: 'localhost', port: 5433 })
  expect(localhost?.addresses).toContain('127.0.0.1')
  expect(await endpointsOf('postgres://127.0.0.1/krown')).toEqual([
    { host: '127.0.0.1', port: 5432, addresses: ['127.0.0.1'] },
  ])
  expect(await endpointsOf('postgres://[::1]:5433/krown')).toEqual([
    { host: '::1', port: 5433, addresses: ['::1'] },
  ])
})

test('a database whose name cannot be resolved is protected by its name', async () => {
  expect(await endpointsOf('postgres://db.invalid/krown')).toEqual([
    { host: 'db.invalid', port: 5432, addresses: [] },
  ])
})

test('a database in a socket directory has no endpoint', async () => {
  expect(await endpointsOf('postgres:///krown?host=/var/run/postgresql')).toEqual([])
})

test('the database of a pool that the program brings is protected', async () => {
  const connectionString = 'postgres://krown@127.0.0.1:5434/krown'
  expect(await endpointsOf('', { options: { connectionString } })).toMatchObject([
    { host: '127.0.0.1', port: 5434 },
  ])
  expect(await endpointsOf('', { options: { host: '127.0.0.1', port: 5435 } })).toMatchObject([
    { host: '127.0.0.1', port: 5435 },
  ])
  expect(await endpointsOf('', { options: { host: '127.0.0.1' } })).toMatchObject([{ port: 5432 }])
  expect(await endpointsOf('', { options: { host: '/var/run/postgresql' } })).toEqual([])
})
