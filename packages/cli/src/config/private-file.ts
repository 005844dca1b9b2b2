import { constants, type Stats } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'

const FORBIDDEN_BITS = 0o077

/**
 * The text of a file that only its owner may use, who is the user of this process; undefined when there is none.
 *
 * @throws CliError when others can use it: what is in it may be known to them, or made by them.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    // A pipe would otherwise be waited for until somebody writes to it.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await file.stat()
    if (!stats.isFile()) throw new CliError(`${path} is not a file`, EXIT.failed, 'remove it')
    requirePrivate(path, stats, 'run chmod 600 on it')
    return await file.readFile('utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * Replaces the file at once, so that another process reads the old text or the new one.
 *
 * @throws CliError when others can use its folder.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await makePrivateFolder(dirname(path))
  const draft = `${path}.${crypto.randomUUID()}.tmp`
  try {
    await using file = await open(draft, 'wx', 0o600)
    await file.writeFile(text)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await rename(draft, path)
}

/**
 * Makes it with the folders above it where there is none. One that is there stays as it is: it may be a link to what
 * others are meant to use.
 *
 * @throws CliError when others can use it.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  requirePrivate(path, await stat(path), 'run chmod 700 on it')
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

function requirePrivate(path: string, { uid, mode }: Stats, hint: string): void {
  // Neither says anything on Windows.
  if (process.getuid === undefined) return
  if (uid !== process.getuid()) throw new CliError(`${path} belongs to somebody else`, EXIT.failed)
  if ((mode & FORBIDDEN_BITS) === 0) return
  throw new CliError(`${path} can be used by others than its owner`, EXIT.failed, hint)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
