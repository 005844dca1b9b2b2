import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startProcess, type TestProcess } from '@krown/testkit/child-process'
import { createTempDir, type TempDir } from '@krown/testkit/temp-dir'
import { plainEnvironment } from './run-example.js'

const require = createRequire(import.meta.url)
const KROWN_SERVER = join(dirname(require.resolve('@krown/server/package.json')), 'bin', 'krown-server.cjs')

/** `krown-server start` as a process that can be ended and started again, with the same files and on the same port. */
export class RestartableGateway implements AsyncDisposable {
  readonly #dir: TempDir
  #process: TestProcess | undefined
  #port = 0

  private constructor(dir: TempDir) {
    this.#dir = dir
  }

  static async start(): Promise<RestartableGateway> {
    const gateway = new RestartableGateway(await createTempDir())
    await gateway.start()
    return gateway
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    const config = join(this.#dir.path, 'krown.toml')
    await writeFile(config, configOf(this.#port), { mode: 0o600 })
    const args = [KROWN_SERVER, 'start', '--config', config]
    this.#process = startProcess({ command: process.execPath, args, options: { env: plainEnvironment() } })
    const [, port] = await this.#process.untilLog(/Krown listens on \S+:(\d+)\n/)
    this.#port = Number(port)
  }

  /** As a supervisor ends it. */
  async stop(): Promise<void> {
    await this.#process?.stop()
  }

  /** Makes the first administrator. */
  async register(credentials: { username: string; password: string }): Promise<void> {
    const setupToken = (await readFile(join(this.#dir.path, 'data', 'setup-token'), 'utf8')).trim()
    const { status } = await fetch(`${this.url}/api/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...credentials, setupToken }),
    })
    if (status !== 201) throw new Error(`registering answered ${status}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#dir.stop()
  }
}

function configOf(port: number): string {
  return `data_dir = "./data"

[server]
port = ${port}
drain_timeout = "0s"

[ssh.outbound]
allow_loopback = true
adhoc_ports = []

[logging]
file = "./krown.log"
`
}
