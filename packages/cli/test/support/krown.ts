import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@krown/testkit'

export const BIN = fileURLToPath(new URL('../../bin/krown.js', import.meta.url))

export interface Finished {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** The same as `stdout`. */
  readonly bytes: Buffer
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  /** What is on standard input, which then ends; left out, it is empty. */
  stdin?: string | Uint8Array
}

/** krown as it is while it runs. */
export interface KrownProcess extends AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams
  readonly stdout: string
  readonly stderr: string
  readonly finished: Promise<Finished>
  untilStdout(text: string): Promise<void>
  untilStderr(text: string): Promise<void>
}

/** krown as its users run it; `dist` must be built. Nothing of our environment reaches it. */
export function startKrown(args: readonly string[], env: NodeJS.ProcessEnv = {}): KrownProcess {
  return startProgram(process.execPath, [BIN, ...args], env)
}

export function startProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv): KrownProcess {
  // In a session of its own it has no terminal, whoever runs the tests.
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    stdio: 'pipe',
    detached: true,
  })
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  const text = (stream: 'stdout' | 'stderr') => Buffer.concat(chunks[stream]).toString()
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk))
  // A program need not read what it is given.
  child.stdin.on('error', () => undefined)
  const finished = once(child, 'close').then(([exitCode, signal]): Finished => {
    return {
      exitCode,
      signal,
      stdout: text('stdout'),
      stderr: text('stderr'),
      bytes: Buffer.concat(chunks.stdout),
    }
  })
  const until = async (stream: 'stdout' | 'stderr', wanted: string) => {
    const isThere = () => {
      if (text(stream).includes(wanted)) return true
      if (child.exitCode !== null) throw new Error(`krown ended with ${child.exitCode}: ${text('stderr')}`)
      return false
    }
    await waitFor(isThere, { what: `${wanted} on ${stream}`, timeoutMs: 15_000 })
  }
  return {
    child,
    finished,
    get stdout() {
      return text('stdout')
    },
    get stderr() {
      return text('stderr')
    },
    untilStdout: (wanted) => until('stdout', wanted),
    untilStderr: (wanted) => until('stderr', wanted),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) child.kill('SIGKILL')
      await finished
    },
  }
}

export async function krown(
  args: readonly string[],
  { env, stdin = '' }: RunOptions = {},
): Promise<Finished> {
  await using running = startKrown(args, env)
  running.child.stdin.end(stdin)
  return await running.finished
}
