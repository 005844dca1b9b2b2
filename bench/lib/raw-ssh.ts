import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import ssh2, { type ClientChannel } from 'ssh2'

/** Where the test servers listen, and a key that logs in. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly privateKey: string
}

/** Plain ssh2 as a careful script would use it: without Nagle, and without a `none` attempt before the key. */
export class RawConnection {
  readonly #client = new ssh2.Client()

  static async open(endpoint: Endpoint): Promise<RawConnection> {
    const { host, port, username, privateKey } = endpoint
    const connection = new RawConnection()
    const client = connection.#client
    const sock = connectTcp({ host, port, noDelay: true })
    client.connect({
      sock,
      username,
      privateKey,
      authHandler: ['publickey'],
      hostVerifier: () => true,
    })
    await once(client, 'ready')
    client.on('error', () => undefined)
    return connection
  }

  /** Runs a command and collects what it prints. */
  exec(command: string): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    return new Promise((resolve, reject) => {
      this.#client.exec(command, (error, channel) => {
        if (error) reject(error)
        else collect(channel, resolve)
      })
    })
  }

  /** Runs a command and counts what it prints. */
  count(command: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#client.exec(command, (error, channel) => {
        if (error) return reject(error)
        let bytes = 0
        channel.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        channel.stderr.resume()
        channel.on('close', () => resolve(bytes))
        channel.end()
      })
    })
  }

  async close(): Promise<void> {
    const closed = once(this.#client, 'close')
    this.#client.end()
    await closed
  }
}

function collect(
  channel: ClientChannel,
  done: (result: { stdout: string; stderr: string; exitCode: number }) => void,
): void {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  channel.on('data', (chunk: Buffer) => stdout.push(chunk))
  channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  channel.on('close', (exitCode: number) => done({ stdout: text(stdout), stderr: text(stderr), exitCode }))
  channel.end()
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8')
}
