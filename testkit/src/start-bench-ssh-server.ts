import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TestProcess } from './child-process.js'

export interface BenchSshServer extends AsyncDisposable {
  host: string
  port: number
  username: string
  password: string
  /** OpenSSH text of a key that may log in. */
  privateKey: string
  hostKeyFingerprint: string
  pid: number
  stop(): Promise<void>
}

/** Starts ssh2's server in a process of its own, so that a bench does not measure its CPU. Needs tsx. */
export async function startBenchSshServer(): Promise<BenchSshServer> {
  const entry = fileURLToPath(new URL('./bench-ssh-server.ts', import.meta.url))
  // From here `--import` finds the workspace's tsx.
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  // Its standard input stays open as long as this process lives, however that ends.
  const child = new TestProcess(spawn(process.execPath, ['--import', 'tsx', entry], { cwd, stdio: 'pipe' }))
  const stop = () => child.stop()
  try {
    const [line] = await child.untilLog(/^\{.*\}$/m)
    return { ...JSON.parse(line), pid: child.pid, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}
