import { cp, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PostgresBinaries } from './find-postgres.js'

const MAY_ENTER = 0o001

/**
 * PostgreSQL refuses to run as root, so it runs as somebody who may not enter a checkout below a private directory such
 * as `/root`. Copies the installation into `directory` when that is so.
 */
export async function reachablePostgres(
  binaries: PostgresBinaries,
  directory: string,
): Promise<PostgresBinaries> {
  const installation = dirname(dirname(await realpath(binaries.postgres)))
  if (await everybodyMayEnter(installation)) return binaries
  const copy = join(directory, 'postgres')
  await cp(installation, copy, { recursive: true, verbatimSymlinks: true })
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
}

async function everybodyMayEnter(directory: string): Promise<boolean> {
  const { mode } = await stat(directory)
  if ((mode & MAY_ENTER) === 0) return false
  const parent = dirname(directory)
  return parent === directory || everybodyMayEnter(parent)
}
