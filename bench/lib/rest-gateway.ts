import { Agent, request } from 'node:http'
import { openInput } from './gateway.js'
import type { Endpoint } from './raw-ssh.js'
import { ServerProcess } from './server-process.js'

/** `krown-server` in a process of its own, and an admin who calls it over one connection that stays open. */
export class RestGateway implements AsyncDisposable {
  readonly #server: ServerProcess
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #token: string

  private constructor(server: ServerProcess, token: string) {
    this.#server = server
    this.#token = token
  }

  static async start(endpoint: Endpoint): Promise<RestGateway> {
    const server = await ServerProcess.start(endpoint)
    return new RestGateway(server, await server.signIn())
  }

  async open(endpoint: Endpoint): Promise<(command: string) => Promise<unknown>> {
    const { id } = await this.#post<{ id: string }>('/api/sessions', openInput(endpoint))
    return (command) => this.#post(`/api/sessions/${id}/execute`, { command })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#server[Symbol.asyncDispose]()
  }

  // Not fetch: it would add its own cost to what is measured.
  #post<T>(path: string, body: unknown): Promise<T> {
    const payload = JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      authorization: `Bearer ${this.#token}`,
    }
    const options = { method: 'POST', agent: this.#agent, headers }
    return new Promise((resolve, reject) => {
      const call = request(this.#server.url + path, options, (response) => {
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
