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
  // One failing connection emits several errors.
  client.on('error', () => undefined)
  client.connect(config)
  try {
    await ready
  } catch (error) {
    client.destroy()
    throw error
  }
  return new SshTestClient(client)
}

export class SshTestClient implements AsyncDisposable {
  readonly client: ssh2.Client
  readonly closed: Promise<void>

  constructor(client: ssh2.Client) {
    this.client = client
    this.closed = closeOf(client)
  }

  open(command: string, options: ExecOptions = {}): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      this.client.exec(command, options, (error, channel) => (error ? reject(error) : resolve(channel)))
    })
  }

  exec(command: string, input?: string): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      this.client.exec(command, (error, channel) => {
        if (error) return reject(error)
        // At once: the exit status may come in the same packet, and is not kept for listeners that come later.
        finished(channel).then(resolve, reject)
        if (input !== undefined) channel.end(input)
      })
    })
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
  await closeOf(channel)
  return result
}

/** Unlike `once` of node:events, does not throw when there is an error first. */
export function closeOf(emitter: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => emitter.once('close', resolve))
}

/** A signal request that goes out also after EOF, where ssh2's own `signal` does nothing. */
export function signalRequest(channel: ClientChannel, name: string): void {
  const { outgoing, _client: client } = channel as unknown as ChannelInternals
  client._protocol.signal(outgoing.id, name)
}

interface ChannelInternals {
  outgoing: { id: number }
  _client: { _protocol: { signal(channelId: number, name: string): void } }
}
