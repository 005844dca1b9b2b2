import { systemClock } from '../../../src/base/clock.js'
import { defer } from '../../../src/base/deferred.js'
import { isKrownError, KrownError } from '../../../src/errors/krown-error.js'
import type {
  ChannelEnd,
  ChannelSink,
  JumpHost,
  JumpRoute,
  SshChannel,
  SshConnection,
  SshConnector,
  SshConnectRequest,
} from '../../../src/ssh/connector.js'
import { createSshConnector, type SshConnectorOptions } from '../../../src/ssh/create-ssh-connector.js'

/** Whatever can be logged in to: every SSH server of the testkit. */
export interface Peer {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly privateKey: string
}

/** Production limits, changed where a test needs it. */
export function testConnector(options: Partial<SshConnectorOptions> = {}): SshConnector {
  return createSshConnector({
    clock: systemClock,
    connectTimeoutMs: 10_000,
    handshakeTimeoutMs: 20_000,
    keepaliveIntervalMs: 15_000,
    ...options,
  })
}

/** Logs in with the peer's key and trusts whatever host key it shows, unless told otherwise. */
export function requestTo(peer: Peer, options: Partial<SshConnectRequest> = {}): SshConnectRequest {
  return {
    host: peer.host,
    port: peer.port,
    username: peer.username,
    auth: { method: 'key', privateKey: peer.privateKey },
    checkAddresses: () => undefined,
    verifyHostKey: async () => undefined,
    ...options,
  }
}

/** A way through these, which is allowed to lead everywhere; they are called `hop-1`, `hop-2`, … */
export function through(
  hops: readonly Peer[],
  change: (hop: JumpHost) => Partial<JumpHost> = () => ({}),
): JumpRoute {
  return {
    hops: hops.map((peer, index) => {
      const hop = { ...requestTo(peer), name: `hop-${index + 1}` }
      return { ...hop, ...change(hop) }
    }),
    checkForward: () => undefined,
  }
}

/** For peers that never get as far as a login. */
export function requestToPort({ host, port }: { host: string; port: number }): SshConnectRequest {
  const auth = { method: 'password', password: 'x' } as const
  return requestTo({ host, port, username: 'nobody', privateKey: '' }, { auth })
}

/** The KrownError that a promise rejects with; fails the test when it does not. */
export async function refusalOf(promise: Promise<unknown>): Promise<KrownError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  if (outcome && isKrownError(outcome.error)) return outcome.error
  throw new Error('expected a KrownError', { cause: outcome?.error })
}

/** Keeps what a channel sends. */
export class Collector implements ChannelSink {
  readonly #ended = defer<ChannelEnd>()
  readonly #waiting: Array<{ bytes: number; resolve: () => void }> = []
  readonly chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] }
  bytes = 0
  ends = 0
  dataAfterEnd = 0

  data(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (this.ends > 0) this.dataAfterEnd += 1
    this.chunks[stream].push(chunk)
    this.bytes += chunk.length
    for (const { bytes, resolve } of this.#waiting) if (this.bytes >= bytes) resolve()
  }

  end(result: ChannelEnd): void {
    this.ends += 1
    this.#ended.resolve(result)
  }

  get ended(): Promise<ChannelEnd> {
    return this.#ended.promise
  }

  get stdout(): string {
    return Buffer.concat(this.chunks.stdout).toString()
  }

  get stderr(): string {
    return Buffer.concat(this.chunks.stderr).toString()
  }

  /** Resolves when that many bytes have arrived. */
  async received(bytes: number): Promise<void> {
    const arrived = defer<void>()
    this.#waiting.push({ bytes, resolve: () => arrived.resolve() })
    if (this.bytes >= bytes) arrived.resolve()
    await arrived.promise
  }
}

export interface StartedCommand {
  readonly channel: SshChannel
  readonly output: Collector
}

export async function start(connection: SshConnection, command: string): Promise<StartedCommand> {
  const output = new Collector()
  return { channel: await connection.exec(command, output), output }
}

/** Runs a command to its end. */
export async function run(connection: SshConnection, command: string) {
  const { output } = await start(connection, command)
  const end = await output.ended
  return { ...end, stdout: output.stdout, stderr: output.stderr }
}

/** For `close` in tests. */
export function goodbye(): KrownError {
  return new KrownError('SESSION_LOST', 'closed by the test')
}
