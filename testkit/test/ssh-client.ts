import { once } from 'node:events'
import ssh2, { type ClientChannel, type ConnectConfig, type ExecOptions } from 'ssh2'

export interface CommandResult {
  stdout: string
  stderr: string
  exitCode: number | null
  /** `TERM`, without SIG. */
  signal: string | null
}

/** A plain ssh2 client for checking the servers; throws what ssh2 emits before it is ready. */
export async function connectSsh(config: ConnectConfig): Promise<SshTestClient> {
  const client = new ssh2.Client()
  const ready = once(client, 'ready')
  client.connect(config)
  try {
    await ready
  } catch (error) {
    client.destroy()
    throw error
  }
  client.on('error', () => undefined)
  return new SshTestClient(client)
}

export class SshTestClient implements AsyncDisposable {
  readonly client: ssh2.Client
  readonly closed: Promise<unknown>

  constructor(client: ssh2.Client) {
    this.client = client
    this.closed = once(client, 'close')
  }

  open(command: string, options: ExecOptions = {}): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      this.client.exec(command, options, (error, channel) => (error ? reject(error) : resolve(channel)))
    })
  }

  async exec(command: string, input?: string): Promise<CommandResult> {
    const channel = await this.open(command)
    const result = finished(channel)
    if (input !== undefined) channel.end(input)
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy()
  }
}

export async function finished(channel: ClientChannel): Promise<CommandResult> {
  const result: CommandResult = { stdout: '', stderr: '', exitCode: null, signal: null }
  channel.on('data', (data: Buffer) => (result.stdout += data))
  channel.stderr.on('data', (data: Buffer) => (result.stderr += data))
  channel.on('exit', (code: number | null, signal?: string) => {
    result.exitCode = code
    result.signal = signal?.replace(/^SIG/, '') ?? null
  })
  await once(channel, 'close')
  return result
}
