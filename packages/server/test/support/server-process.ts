import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@krown/testkit'

const BIN = fileURLToPath(new URL('../../bin/krown-server.cjs', import.meta.url))

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  readonly stdout: string
  readonly stderr: string
  readonly exited: Promise<Finished>
  /** What it printed as its address. */
  url(): Promise<string>
  kill(signal: NodeJS.Signals): void
}

/** krown-server as its users run it; `dist` must be built. Nothing of our environment reaches it. */
export function runServer(
  args: string[],
  options: { env?: Record<string, string>; stdin?: string } = {},
): ServerProcess {
  const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...options.env }
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: 'pipe' })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  child.stdin.end(options.stdin ?? '')
  const exited = once(child, 'close').then(([exitCode]): Finished => ({ exitCode, ...output }))
  return {
    pid: child.pid ?? 0,
    exited,
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    url: () => waitForUrl(child, output),
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}

function waitForUrl(child: ChildProcess, output: { stdout: string; stderr: string }): Promise<string> {
  const find = () => {
    if (child.exitCode !== null) throw new Error(`krown-server ended: ${output.stderr}`)
    return /Krown listens on (\S+)/.exec(output.stderr)?.[1]
  }
  return waitFor(find, { what: 'krown-server to listen', timeoutMs: 20_000 }).then(String)
}
