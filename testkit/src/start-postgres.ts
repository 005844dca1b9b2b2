import { findPostgres, type PostgresBinaries } from './find-postgres.js'
import { PostgresServer } from './postgres-server.js'
import { createTempDir } from './temp-dir.js'

export type { PostgresServer } from './postgres-server.js'

/**
 * No test pulls the plug of the machine, so nothing waits for the disk. `synchronous_commit` stays on: a commit must
 * survive `kill`.
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '32MB',
}

export interface PostgresOptions {
  /** Of postgresql.conf; win over ours. */
  settings?: Record<string, string>
  /** Default: those that `findPostgres` finds. */
  binaries?: PostgresBinaries
}

/**
 * Starts a new PostgreSQL on 127.0.0.1 with a superuser `postgres` and no password.
 *
 * @throws Error when there are no binaries, or with the server's output.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binaries = options.binaries ?? (await findPostgres())
  if (!binaries) throw new Error(`no PostgreSQL binaries for ${process.platform}-${process.arch}`)
  const dir = await createTempDir()
  const server = new PostgresServer(binaries, dir, { ...SETTINGS, ...options.settings })
  try {
    await server.create()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}
