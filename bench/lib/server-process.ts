import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startProcess, type TestProcess } from '@krown/testkit/child-process'
import { createTempDir } from '@krown/testkit/temp-dir'
import { COLLECTABLE } from './memory.js'
import type { Endpoint } from './raw-ssh.js'

const { resolve } = createRequire(import.meta.url)
const KROWN_SERVER = join(dirname(resolve('@krown/server/package.json')), 'bin', 'krown-server.cjs')

export const ADMIN = { username: 'bench', password: 'only for a moment, on loopback' }

/** `krown-server` in a process of its own with its defaults, and {@link ADMIN}, who may use it. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string
  readonly #server: TestProcess
  readonly #removeDir: () => Promise<void>

  private constructor(parts: { url: string; server: TestProcess; removeDir: () => Promise<void> }) {
    this.url = parts.url
    this.#server = parts.server
    this.#removeDir = parts.removeDir
  }

  /** @param limits What else than a default is in `[limits]`. */
  static async start(
    target: Endpoint,
    limits: Readonly<Record<string, number>> = {},
  ): Promise<ServerProcess> {
    const dir = await createTempDir()
    const config = join(dir.path, 'krown.toml')
    await writeFile(config, configText(target, limits), { mode: 0o600 })
    const args = [...COLLECTABLE, KROWN_SERVER, 'start', '--config', config]
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

function configText({ host, port }: Endpoint, limits: Readonly<Record<string, number>>): string {
  const lines = Object.entries(limits).map(([key, value]) => `${key} = ${value}`)
  return `data_dir = "./data"
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
