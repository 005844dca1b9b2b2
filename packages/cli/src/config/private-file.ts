import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'

const FORBIDDEN_BITS = 0o077

/**
 * The text of a file that only its owner may use; undefined when there is none.
 *
 * @throws CliError when others can use it: what is in it may be known to them, or made by them.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r')
    const { mode } = await file.stat()
    // The mode says nothing on Windows.
    if (process.platform !== 'win32' && (mode & FORBIDDEN_BITS) !== 0) throw openToOthers(path)
    return await file.readFile('utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Replaces the file at once, so that another process reads the old text or the new one. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const directory = dirname(path)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
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

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

function openToOthers(path: string): CliError {
  return new CliError(`${path} can be used by others than its owner`, EXIT.failed, `run chmod 600 on it`)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
