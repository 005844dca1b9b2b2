import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { leash } from './leash.js'

const GRACE_MS = 5000
const LOG_LIMIT = 256 * 1024

export interface ChildCommand {
  command: string
  args: string[]
  options?: SpawnOptions
}

/** A program under test: keeps the end of its output, is killed when this process ends. */
export class TestProcess {
  /** 0 if the program could not be spawned. */
  readonly pid: number
  #log = ''
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #closed: Promise<unknown>
  readonly #onLog = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.#child = child
    this.pid = child.pid ?? 0
    // A program that cannot be spawned emits `error`, which rejects both.
    this.#exited = once(child, 'exit').catch((error) => this.#append(String(error)))
    this.#closed = once(child, 'close').catch(() => undefined)
    void this.#exited.then(() => this.#changed())
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#append(text))
    }
    leash(child)
  }

  get running(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null
  }

  log(): string {
    return this.#log
  }

  /** Resolves with the match once the output so far matches; throws with the output if the program ends first. */
  async untilLog(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const ended = !this.running
      if (ended) await this.#closed
      const match = this.#log.match(pattern)
      if (match) return match
      if (ended) throw new Error(`${this.#child.spawnfile} ended before it was ready:\n${this.#log}`)
      await new Promise<void>((resolve) => this.#onLog.add(resolve))
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async exited(): Promise<void> {
    if (this.running) await this.#exited
  }

  /** Sends the signal and waits; SIGKILL follows after 5 s. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS)
    this.#child.kill(signal)
    await this.#exited
    clearTimeout(timer)
  }

  #append(text: string): void {
    this.#log = (this.#log + text).slice(-LOG_LIMIT)
    this.#changed()
  }

  #changed(): void {
    for (const resolve of this.#onLog) resolve()
    this.#onLog.clear()
  }
}

/** Spawns a program with its output captured. */
export function startProcess({ command, args, options = {} }: ChildCommand): TestProcess {
  return new TestProcess(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }))
}

/** Runs a program to its end. @returns its standard output. @throws Error with its output if it fails. */
export async function runProcess(command: ChildCommand, input = ''): Promise<string> {
  const { options = {} } = command
  const child = spawn(command.command, command.args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  // A program that does not read its input may close it early.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command.command} failed with ${code}: ${output.stderr || output.stdout}`)
  return output.stdout
}
