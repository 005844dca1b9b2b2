import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startProcess, type TestProcess } from '@krown/testkit/child-process'
import { createTempDir } from '@krown/testkit/temp-dir'
import type { Endpoint } from './raw-ssh.js'

const { resolve } = createRequire(import.meta.url)
const KROWN_SERVER = join(dirname(resolve('@krown/server/package.json')), 'bin', 'krown-server.cjs')

/** On a signal it collects garbage and says how many bytes are left, numbered. */
const ON_SIGNAL = `let asked = 0
process.on("SIGUSR2", () => {
  gc()
  const { heapUsed, external } = process.memoryUsage()
  console.log("held " + ++asked + ": " + (heapUsed + external))
})`
const TELLS_MEMORY = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(ON_SIGNAL)}`]
// Buffers are given back some time after the collection that found them.
const COLLECTIONS = 3

export const ADMIN = { username: 'bench', password: 'only for a moment, on loopback' }

/** `krown-server` in a process of its own with its defaults, and {@link ADMIN}, who may use it. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string
  readonly #server: TestProcess
  readonly #removeDir: () => Promise<void>
  #asked = 0

  private constructor(parts: { url: string; server: TestProcess; removeDir: () => Promise<void> }) {
    this.url = parts.url
    this.#server = parts.server
    this.#removeDir = parts.removeDir
  }

  /**
   * @param limits What else than a default is in `[limits]`.
   * @param databaseUrl Of PostgreSQL; default: SQLite.
   */
  static async start(
    target: Endpoint,
    limits: Readonly<Record<string, number>> = {},
    databaseUrl = '',
  ): Promise<ServerProcess> {
    const dir = await createTempDir()
    const config = join(dir.path, 'krown.toml')
    await writeFile(config, configText(target, limits, databaseUrl), { mode: 0o600 })
    const args = [...TELLS_MEMORY, KROWN_SERVER, 'start', '--config', config]
    const server = startProcess({ command: process.execPath, args, options: { cwd: dir.path } })
    const [, url = ''] = await server.untilLog(/Krown listens on (\S+)\n/)
    const setupToken = (await readFile(join(dir.path, 'data', 'setup-token'), 'utf8')).trim()
    await post(`${url}/api/auth/register`, { ...ADMIN, setupToken })
    return new ServerProcess({ url, server, removeDir: () => dir.stop() })
  }

  get pid(): number {
    return this.#server.pid
  }

  /** @returns An access token of {@link ADMIN}. */
  async signIn(): Promise<string> {
    const { accessToken } = await post<{ accessToken: string }>(`${this.url}/api/auth/login`, ADMIN)
    return accessToken
  }

  /**
   * Bytes of JavaScript objects and buffers that are in use. Unlike resident memory, which V8 and malloc give back when
   * they see fit, it is the same each time.
   */
  async heldBytes(): Promise<number> {
    let bytes = 0
    for (let pass = 0; pass < COLLECTIONS; pass += 1) {
      this.#asked += 1
      this.#server.kill('SIGUSR2')
      const [, held] = await this.#server.untilLog(new RegExp(`^held ${this.#asked}: (\\d+)$`, 'm'))
      bytes = Number(held)
    }
    return bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop()
    await this.#removeDir()
  }
}

async function post<T>(url: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.json() as Promise<T>
}

function configText(
  { host, port }: Endpoint,
  limits: Readonly<Record<string, number>>,
  databaseUrl: string,
): string {
  const secret = () => randomBytes(32).toString('base64')
  const lines = Object.entries(limits).map(([key, value]) => `${key} = ${value}`)
  return `data_dir = "./data"
[database]
url = "${databaseUrl}"
[auth]
jwt_secret = "${secret()}"
[vault]
master_key = "${secret()}"
[server]
port = 0
drain_timeout = "2s"
[ssh.outbound]
allow = ["${host}:${port}"]
adhoc_ports = []
[limits]
${lines.join('\n')}
[logging]
file = "./krown.log"
`
}
