import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDir extends AsyncDisposable {
  path: string
  /** Removes the directory with its content. */
  stop(): Promise<void>
}

/** A new directory that `stop` removes; `mode` is 0o700 unless said. */
export async function createTempDir(options: { mode?: number } = {}): Promise<TempDir> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'krown-test-')))
  if (options.mode !== undefined) await chmod(path, options.mode)
  const stop = () => rm(path, { recursive: true, force: true, maxRetries: 3 })
  return { path, stop, [Symbol.asyncDispose]: stop }
}
