import { readFile, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startProcess, type TestProcess } from '@krown/testkit/child-process'
import { createTempDir } from '@krown/testkit/temp-dir'
import { openInput } from './gateway.js'
import type { Endpoint } from './raw-ssh.js'

const { resolve } = createRequire(import.meta.url)
const KROWN_SERVER = join(dirname(resolve('@krown/server/package.json')), 'bin', 'krown-server.cjs')
const ADMIN = { username: 'bench', password: 'only for a moment, on loopback' }

interface Account {
  readonly accessToken: string
}

/** `krown-server` in a process of its own, and an admin who calls it over one connection that stays open. */
export class RestGateway implements AsyncDisposable {
  readonly #server: TestProcess
  readonly #url: string
  readonly #removeDir: () => Promise<void>
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  #token = ''

  private constructor(server: TestProcess, url: string, removeDir: () => Promise<void>) {
    this.#server = server
    this.#url = url
    this.#removeDir = removeDir
  }

  static async start(endpoint: Endpoint): Promise<RestGateway> {
    const dir = await createTempDir()
    const config = join(dir.path, 'krown.toml')
    await writeFile(config, configText(endpoint), { mode: 0o600 })
    const args = [KROWN_SERVER, 'start', '--config', config]
    const server = startProcess({ command: process.execPath, args, options: { cwd: dir.path } })
    const [, url = ''] = await server.untilLog(/Krown listens on (\S+)\n/)
    const gateway = new RestGateway(server, url, () => dir.stop())
    await gateway.#signIn((await readFile(join(dir.path, 'data', 'setup-token'), 'utf8')).trim())
    return gateway
  }

  async open(endpoint: Endpoint): Promise<(command: string) => Promise<unknown>> {
    const { id } = await this.#post<{ id: string }>('/api/sessions', openInput(endpoint))
    return (command) => this.#post(`/api/sessions/${id}/execute`, { command })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#server.stop()
    await this.#removeDir()
  }

  async #signIn(setupToken: string): Promise<void> {
    await this.#post('/api/auth/register', { ...ADMIN, setupToken })
    this.#token = (await this.#post<Account>('/api/auth/login', ADMIN)).accessToken
  }

  // Not fetch: it would add its own cost to what is measured.
  #post<T>(path: string, body: unknown): Promise<T> {
    const payload = JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
    }
    return new Promise((resolve, reject) => {
      const call = request(this.#url + path, { method: 'POST', agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          if (response.statusCode === 200 || response.statusCode === 201) resolve(JSON.parse(text) as T)
          else reject(new Error(`${path} answered ${response.statusCode}: ${text}`))
        })
      })
      call.on('error', reject)
      call.end(payload)
    })
  }
}

function configText({ host, port }: Endpoint): string {
  return `data_dir = "./data"
[server]
port = 0
drain_timeout = "2s"
[ssh.outbound]
allow = ["${host}:${port}"]
adhoc_ports = []
[logging]
file = "./krown.log"
`
}
