import { createServer, type Socket } from 'node:net'
import type { Cut, Direction, FaultCounters, FaultState } from './fault-state.js'
import { listenOnLoopback } from './free-port.js'
import { ProxyLink } from './proxy-link.js'

/** Starts a TCP proxy on 127.0.0.1 in front of the target, passing everything until told otherwise. */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const proxy = new FaultProxy(target)
  await proxy.pass()
  return proxy
}

export class FaultProxy implements AsyncDisposable, FaultState {
  readonly host = '127.0.0.1'
  readonly target: { host: string; port: number }
  readonly counters: FaultCounters = {
    connections: 0,
    bytesToTarget: 0,
    bytesToClient: 0,
    bytesSwallowed: 0,
    cuts: 0,
  }
  /** Read by the links. */
  swallowing = false
  latencyMs = 0
  cut: Cut | undefined
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  readonly #links = new Set<ProxyLink>()
  #port = 0

  constructor(target: { host: string; port: number }) {
    this.target = { host: target.host, port: target.port }
  }

  get port(): number {
    return this.#port
  }

  /** Ends every fault. */
  async pass(): Promise<void> {
    this.swallowing = false
    this.latencyMs = 0
    this.cut = undefined
    // The same port again after `down`.
    if (!this.#server.listening) this.#port = await listenOnLoopback(this.#server, this.#port)
  }

  /** Closes what is open and refuses new connections. */
  async down(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const link of this.#links) link.destroy()
    await closed
  }

  /** RST to both sides of what is open; new connections pass. */
  reset(): void {
    for (const link of this.#links) link.reset()
  }

  /** Accepts and swallows, both ways, also on what is open. */
  blackhole(): void {
    this.swallowing = true
  }

  /** Delays each direction by this much. */
  setLatency(ms: number): void {
    this.latencyMs = ms
  }

  /** Cuts once, when that many more bytes have passed in the direction, on whichever connection; resolves then. */
  cutAfterBytes(bytes: number, direction: Direction = 'to-client'): Promise<void> {
    return new Promise((done) => {
      this.cut = { kind: 'bytes', bytes, direction, done }
    })
  }

  /**
   * Cuts once, when the client's bytes on one connection hold the pattern; resolves then.
   *
   * @param options.delivered The target gets the bytes and answers, and the answer is lost. Default: it never sees
   *   the chunk that ends the pattern.
   */
  cutWhenClientSends(pattern: string | Buffer, options: { delivered?: boolean } = {}): Promise<void> {
    const { delivered = false } = options
    return new Promise((done) => {
      this.cut = { kind: 'pattern', pattern: Buffer.from(pattern), delivered, done }
    })
  }

  stop(): Promise<void> {
    return this.down()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #accept(client: Socket): void {
    this.counters.connections++
    const link = new ProxyLink(this, client)
    this.#links.add(link)
    client.once('close', () => this.#links.delete(link))
  }
}
