import type { AppRouter } from '@krown/server'
import {
  createTRPCClient,
  createWSClient,
  type TRPCClient,
  type TRPCLink,
  type TRPCWebSocketClient,
  wsLink,
} from '@trpc/client'
import { KrownClientError } from '../errors/errors.js'
import { notUnderstood } from '../errors/problem.js'
import type { Access } from '../sign-in/access.js'
import { createFrameEncoder } from './frames.js'
import { closedByCaller, finalCloseError, refusedUpgradeError } from './socket-end.js'
import { endNow, unref, watchLiveness } from './socket-liveness.js'
import type { LiveSocket } from './socket-platform.js'

export interface SocketOptions {
  readonly url: string
  readonly access: Access
  readonly WebSocket: typeof WebSocket
}

/** Something that reads from a socket, and ends with it. */
export interface SocketReader {
  fail(error: unknown): void
}

/** An unused socket is kept for so long, for the next stream. */
const IDLE_MS = 5_000
const MAX_RETRY_DELAY_MS = 10_000
const MIN_RENEWAL_DELAY_MS = 500
const MAX_RENEWAL_DELAY_MS = 30_000

/**
 * One WebSocket, opened when something reads from it and reopened when it is lost. It keeps its token fresh, and can be
 * held: nothing more is read from the network until nobody holds it. Once failed it stays so.
 */
export class Socket {
  readonly trpc: TRPCClient<AppRouter>
  readonly link: TRPCLink<AppRouter>
  readonly #access: Access
  readonly #client: TRPCWebSocketClient
  readonly #live = new Set<LiveSocket>()
  readonly #readers = new Set<SocketReader>()
  readonly #holders = new Set<SocketReader>()
  #token: string | undefined
  #tokenRefused = false
  #renewal: ReturnType<typeof setTimeout> | undefined
  /** In a row. */
  #failedRenewals = 0
  #failed = false
  #authenticating: Promise<boolean> | undefined

  constructor({ url, access, WebSocket }: SocketOptions) {
    this.#access = access
    this.#client = createWSClient({
      url,
      WebSocket: observed(WebSocket, (socket) => this.#watch(socket)),
      connectionParams: () => this.#connectionParams(),
      lazy: { enabled: true, closeMs: IDLE_MS },
      retryDelayMs,
      experimental_encoder: createFrameEncoder(() => this.#failNow(notUnderstood())),
    })
    this.link = wsLink({ client: this.#client })
    this.trpc = createTRPCClient<AppRouter>({ links: [this.link] })
  }

  /** False when it will never work again: use another. */
  get usable(): boolean {
    return !this.#failed
  }

  get readers(): number {
    return this.#readers.size
  }

  attach(reader: SocketReader): void {
    this.#readers.add(reader)
  }

  detach(reader: SocketReader): void {
    this.release(reader)
    this.#readers.delete(reader)
    // Nobody waits for it: it must not go on trying to come back.
    if (this.#readers.size === 0 && this.#live.size === 0) this.fail(closedByCaller())
  }

  /** Stops reading from the network, for every reader. */
  hold(reader: SocketReader): void {
    this.#holders.add(reader)
    for (const socket of this.#live) socket.pause?.()
  }

  release(reader: SocketReader): void {
    if (!this.#holders.delete(reader) || this.#holders.size > 0) return
    for (const socket of this.#live) socket.resume?.()
  }

  /** Gets a token that the server did not refuse yet, and proves who this is again. False when there is none. */
  authenticateAgain(): Promise<boolean> {
    // Once, however many readers were refused.
    this.#authenticating ??= this.#authenticate().finally(() => {
      this.#authenticating = undefined
    })
    return this.#authenticating
  }

  /** Ends every reader with this error, and the socket. */
  fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    clearTimeout(this.#renewal)
    for (const reader of [...this.#readers]) reader.fail(error)
    this.#holders.clear()
    for (const socket of this.#live) socket.resume?.()
    void this.#client.close()
  }

  /** Without hearing the server out. */
  #failNow(error: unknown): void {
    this.fail(error)
    for (const socket of this.#live) endNow(socket)
  }

  async #authenticate(): Promise<boolean> {
    const token = this.#token === undefined ? undefined : await this.#access.renew(this.#token)
    if (token === undefined) return false
    await this.trpc.auth.reauthenticate.mutate({ token })
    this.#token = token
    return true
  }

  async #connectionParams(): Promise<{ token: string } | null> {
    try {
      const refused = this.#tokenRefused ? this.#token : undefined
      const token = refused === undefined ? await this.#access.current() : await this.#access.renew(refused)
      this.#tokenRefused = false
      this.#token = token
      this.#failedRenewals = 0
      this.#scheduleRenewal()
      return token === undefined ? null : { token }
    } catch (error) {
      // Without an answer it is tried again; a refusal is an answer.
      if (!(error instanceof KrownClientError && error.retryable)) this.fail(error)
      throw error
    }
  }

  #watch(socket: LiveSocket): void {
    watchLiveness(socket, { isHeld: () => this.#holders.size > 0, ask: 'PING' })
    socket.addEventListener('open', () => {
      this.#live.add(socket)
      if (this.#holders.size > 0) socket.pause?.()
    })
    socket.addEventListener('error', (event) => {
      const refused = refusedUpgradeError((event as { message?: unknown }).message)
      if (refused) this.fail(refused)
    })
    socket.addEventListener('close', (event) => {
      this.#live.delete(socket)
      if (event.code === 4401) this.#tokenRefused = true
      const final = finalCloseError(event)
      if (final) this.fail(final)
    })
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#renewal)
    const staleInMs = this.#access.staleInMs()
    if (staleInMs === undefined || this.#failed) return
    this.#renewal = setTimeout(() => void this.#renew(), Math.max(staleInMs, this.#minRenewalDelayMs()))
    unref(this.#renewal)
  }

  // Whatever goes wrong is met again where it matters: the server closes the socket, which then asks for a token.
  async #renew(): Promise<void> {
    if (this.#live.size === 0) return
    this.#failedRenewals++
    try {
      const token = await this.#access.current()
      if (token !== undefined && token !== this.#token) {
        await this.trpc.auth.reauthenticate.mutate({ token })
        this.#token = token
        this.#failedRenewals = 0
      }
    } catch {}
    this.#scheduleRenewal()
  }

  #minRenewalDelayMs(): number {
    if (this.#failedRenewals === 0) return MIN_RENEWAL_DELAY_MS
    return Math.min(1_000 * 2 ** (this.#failedRenewals - 1), MAX_RENEWAL_DELAY_MS)
  }
}

/** The same constructor, telling of everything that is made with it. */
function observed(Base: typeof WebSocket, onMade: (socket: LiveSocket) => void): typeof WebSocket {
  return new Proxy(Base, {
    construct: (target, args) => {
      const socket = Reflect.construct(target, args) as LiveSocket
      onMade(socket)
      return socket
    },
  })
}

// At once, then slower and slower, and not all clients of a server that restarts at the same moment.
function retryDelayMs(attempt: number): number {
  if (attempt === 0) return 0
  return Math.min(250 * 2 ** attempt, MAX_RETRY_DELAY_MS) * (0.5 + Math.random() / 2)
}
