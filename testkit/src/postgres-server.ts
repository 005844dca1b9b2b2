import { randomBytes } from 'node:crypto'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { runProcess, startProcess, type TestProcess } from './child-process.js'
import type { PostgresBinaries } from './find-postgres.js'
import { PortTakenError, withFreePort } from './free-port.js'
import { queryPostgres } from './postgres-query.js'
import { isAlive, processTree, signalAll } from './process-tree.js'
import { reachablePostgres } from './reachable-postgres.js'
import type { TempDir } from './temp-dir.js'
import { waitFor } from './wait-for.js'

/** PostgreSQL refuses to run as root. */
const NOBODY = 65534

export class PostgresServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  #binaries: PostgresBinaries
  readonly #dir: TempDir
  readonly #settings: Record<string, string>
  #port = 0
  #process: TestProcess | undefined
  #stopped: number[] = []

  constructor(binaries: PostgresBinaries, dir: TempDir, settings: Record<string, string>) {
    this.#binaries = binaries
    this.#dir = dir
    this.#settings = settings
  }

  get port(): number {
    return this.#port
  }

  /** Of the postmaster; changes at a restart. */
  get pid(): number {
    return this.#process?.pid ?? 0
  }

  url(database = 'postgres'): string {
    return `postgres://postgres@${this.host}:${this.#port}/${database}`
  }

  /** Creates an empty database and returns its URL. */
  async createDatabase(name = `test_${randomBytes(6).toString('hex')}`): Promise<string> {
    await queryPostgres(this.url(), `CREATE DATABASE "${name}"`)
    return this.url(name)
  }

  /** The end of what the server wrote since its last start. */
  log(): string {
    return this.#process?.log() ?? ''
  }

  /** SIGSTOP to all its processes: connections stay open and nothing is answered. */
  async pause(): Promise<void> {
    // The postmaster first, so that no process is added while they are counted.
    signalAll([this.pid], 'SIGSTOP')
    this.#stopped = await processTree(this.pid)
    signalAll(this.#stopped, 'SIGSTOP')
  }

  resume(): void {
    signalAll(this.#stopped, 'SIGCONT')
    this.#stopped = []
  }

  /** SIGKILL to all its processes. */
  async kill(): Promise<void> {
    if (!this.#process?.running) return
    this.#process.kill('SIGSTOP')
    const tree = await processTree(this.pid)
    signalAll(tree, 'SIGKILL')
    await this.#process.exited()
    // A new server refuses to start while an old process holds the shared memory.
    await waitFor(() => !tree.some(isAlive), { what: 'killed PostgreSQL processes to end' })
  }

  /** Starts again on the same port with the same data, after `kill` or by ending what runs (connections break). */
  async restart(): Promise<void> {
    await this.#end()
    await this.#startOn(this.#port)
  }

  async stop(): Promise<void> {
    await this.#end()
    await this.#dir.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async create(): Promise<void> {
    if (process.getuid?.() === 0) await this.#openToNobody()
    const args = ['-D', this.#dataDir, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8']
    await runProcess({ command: this.#binaries.initdb, args, options: this.#spawnOptions })
    await withFreePort((port) => this.#startOn(port))
  }

  async #openToNobody(): Promise<void> {
    await chown(this.#dir.path, NOBODY, NOBODY)
    this.#binaries = await reachablePostgres(this.#binaries, this.#dir.path)
  }

  get #dataDir(): string {
    return join(this.#dir.path, 'data')
  }

  get #spawnOptions() {
    const ids = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
    return { ...ids, cwd: this.#dir.path, env: { ...process.env, LC_ALL: 'C.UTF-8' } }
  }

  async #startOn(port: number): Promise<void> {
    const settings = Object.entries(this.#settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
    const args = ['-D', this.#dataDir, '-p', String(port), '-k', this.#dir.path, ...settings]
    this.#process = startProcess({
      command: this.#binaries.postgres,
      args,
      options: { ...this.#spawnOptions, stdio: ['ignore', 'pipe', 'pipe'] },
    })
    this.#port = port
    try {
      await this.#process.untilLog(/ready to accept connections/)
    } catch (error) {
      if (/Address already in use/.test(this.log())) throw new PortTakenError(this.log())
      throw error
    }
  }

  /** Fast shutdown: ends the connections and does not wait for clients. */
  async #end(): Promise<void> {
    this.resume()
    await this.#process?.stop('SIGINT')
  }
}
