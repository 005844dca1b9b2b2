import { userInfo } from 'node:os'
import { startProcess, type TestProcess } from './child-process.js'
import { PortTakenError, withFreePort } from './free-port.js'
import { generateKey, type KeyPair } from './keys.js'
import type { LoginUser } from './login-user.js'
import { processesWithEnvironment, processTree, signalAll } from './process-tree.js'
import { type SshdFiles, writeSshdFiles } from './sshd-config.js'
import type { TempDir } from './temp-dir.js'

export interface SshdOptions {
  /** Lines of sshd_config, which win over ours: `MaxSessions 2`, `KexAlgorithms …`. */
  config?: string[]
  /** Default: one new ed25519 key. */
  hostKeys?: KeyPair[]
  /** Public key lines that may log in besides ours. */
  authorizedKeys?: string[]
}

export interface SshdParts {
  program: string
  dir: TempDir
  login: LoginUser | undefined
  clientKey: KeyPair
  options: SshdOptions
}

export class Sshd implements AsyncDisposable {
  readonly host = '127.0.0.1'
  /** The user to log in as. */
  readonly username: string
  /** All users who can log in with `privateKey`. */
  readonly users: string[]
  /** Of `username`; undefined when not run as root. */
  readonly password: string | undefined
  readonly privateKey: string
  readonly #parts: SshdParts
  readonly #files: Omit<SshdFiles, 'port'>
  #port = 0
  #process: TestProcess | undefined

  constructor(parts: SshdParts) {
    const { dir, login, clientKey, options } = parts
    this.#parts = parts
    this.username = login?.name ?? userInfo().username
    this.users = login ? [login.name, 'root'] : [this.username]
    this.password = login?.password
    this.privateKey = clientKey.privateKey
    this.#files = {
      dir: dir.path,
      hostKeys: options.hostKeys ?? [generateKey()],
      authorizedKeys: [clientKey.publicKey, ...(options.authorizedKeys ?? [])],
      extra: options.config ?? [],
    }
  }

  get port(): number {
    return this.#port
  }

  /** Of the listener; changes at a restart. */
  get pid(): number {
    return this.#process?.pid ?? 0
  }

  get hostKeyFingerprints(): string[] {
    return this.#files.hostKeys.map((key) => key.fingerprint)
  }

  get hostKeyFingerprint(): string {
    return this.hostKeyFingerprints[0] ?? ''
  }

  /** The end of what sshd wrote since its last start. */
  log(): string {
    return this.#process?.log() ?? ''
  }

  async start(): Promise<void> {
    await withFreePort((port) => this.#startOn(port))
  }

  /** Ends all connections and starts again on the same port. */
  async restart(): Promise<void> {
    await this.#end()
    await this.#startOn(this.#port)
  }

  /** Restarts with one other host key. */
  async replaceHostKey(key: KeyPair = generateKey()): Promise<void> {
    this.#files.hostKeys = [key]
    await this.restart()
  }

  async stop(): Promise<void> {
    await this.#end()
    await this.#parts.dir.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #startOn(port: number): Promise<void> {
    const config = await writeSshdFiles({ ...this.#files, port })
    const started = startProcess({ command: this.#parts.program, args: ['-D', '-e', '-f', config] })
    this.#process = started
    try {
      await started.untilLog(/Server listening on/)
    } catch (error) {
      if (/Address already in use/.test(started.log())) throw new PortTakenError(started.log())
      throw error
    }
    this.#port = port
  }

  /** Ends the listener, the connections, and the commands which outlived theirs. */
  async #end(): Promise<void> {
    if (!this.#process?.running) return
    // Stopped first: a listener that still accepts would add processes while they are counted.
    this.#process.kill('SIGSTOP')
    signalAll((await processTree(this.#process.pid)).slice(1), 'SIGKILL')
    await this.#process.stop('SIGKILL')
    const connection = new RegExp(
      `(^|\\0)SSH_CONNECTION=127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${this.#port}\\0`,
    )
    signalAll(processesWithEnvironment(connection), 'SIGKILL')
  }
}
