import { randomBytes } from 'node:crypto'
import { queryPostgres } from './postgres-query.js'

export interface TestDatabase extends AsyncDisposable {
  url: string
  name: string
  /** Drops the database, whoever is still connected. */
  stop(): Promise<void>
}

/** Creates an empty database on a server of `startPostgres`, given the URL of any of its databases. */
export async function createTestDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await queryPostgres(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = name
  const stop = async () => {
    await queryPostgres(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  }
  return { url: url.href, name, stop, [Symbol.asyncDispose]: stop }
}
