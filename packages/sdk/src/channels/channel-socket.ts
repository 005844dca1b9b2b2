import { connectionLost, isPassing, KrownClientError } from '../errors/errors.js'
import { notUnderstood } from '../errors/problem.js'
import type { Access } from '../sign-in/access.js'
import { isRecord } from '../sockets/frames.js'
import { finalCloseError, refusedUpgradeError } from '../sockets/socket-end.js'
import { endNow, unref, watchLiveness } from '../sockets/socket-liveness.js'
import type { LiveSocket } from '../sockets/socket-platform.js'
import { decodeFrame, encodeInput, type Frame } from './frames.js'
import { toRefusal } from './refusal.js'

/** What the server says, with whatever fields it has. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string }

/** Who is attached to a channel over a socket. */
export interface ChannelListener {
  said(message: Message): void
  received(frame: Frame): void
  /** The socket is gone; nothing more comes over it. `isFinal`: another one would be of no use. */
  lost(error: unknown, isFinal: boolean): void
}

export interface ChannelSocketOptions {
  readonly url: string
  readonly access: Access
  readonly WebSocket: typeof WebSocket
}

interface Awaited {
  readonly accept: (reply: Message) => void
  readonly reject: (error: unknown) => void
}

const IDLE_MS = 5_000
const MIN_RENEWAL_DELAY_MS = 500
/** Below what a server takes in one frame. */
const MAX_INPUT_BYTES = 32 * 1024

/** One WebSocket that speaks the plain protocol, for terminals. It keeps its token fresh, and never comes back. */
export class ChannelSocket {
  readonly #access: Access
  readonly #socket: LiveSocket
  readonly #ready: Promise<void>
  readonly #awaited = new Map<number, Awaited>()
  readonly #listeners = new Map<number, ChannelListener>()
  #places = 0
  #asked = 0
  #failure: unknown
  #isOver = false
  #renewal: ReturnType<typeof setTimeout> | undefined
  #idle: ReturnType<typeof setTimeout> | undefined

  constructor({ url, access, WebSocket }: ChannelSocketOptions) {
    this.#access = access
    this.#socket = new WebSocket(url)
    this.#socket.binaryType = 'arraybuffer'
    this.#ready = this.#begin()
    // Whoever asks for something hears of it.
    this.#ready.catch((error: unknown) => this.fail(error))
  }

  get usable(): boolean {
    return !this.#isOver
  }

  /** Channels that are attached to over it, or about to be. */
  get places(): number {
    return this.#places
  }

  /** @param listen Called with the answer before anything else of the channel comes. */
  async attach(
    message: Record<string, unknown>,
    listen: (attached: Message & { channel: number }) => ChannelListener,
  ): Promise<void> {
    this.#places += 1
    clearTimeout(this.#idle)
    try {
      await this.ask({ ...message, type: 'attach' }, (reply) => {
        const { channel } = reply
        if (typeof channel !== 'number') throw notUnderstood()
        this.#listeners.set(channel, listen({ ...reply, channel }))
      })
    } catch (error) {
      this.#leavePlace()
      throw error
    }
  }

  /** Nobody listens to that channel any more. */
  forget(channel: number): void {
    if (this.#listeners.delete(channel)) this.#leavePlace()
  }

  /** @throws KrownClientError as the server refuses, or CONNECTION_LOST. */
  async ask(message: Record<string, unknown>, accepted: (reply: Message) => void = () => {}): Promise<void> {
    await this.#ready
    await this.#request(message, accepted)
  }

  /** Needs no answer; is lost when the socket is. */
  tell(message: Record<string, unknown>): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  /** @param data At most 32 KiB, so that no frame is too large. */
  type(channel: number, data: Uint8Array): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeInput(channel, data))
  }

  /** Ends it, and everything over it, with this error. */
  fail(error: unknown, isFinal = !isPassing(error)): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = error
    for (const timer of [this.#renewal, this.#idle]) clearTimeout(timer)
    for (const { reject } of this.#awaited.values()) reject(error)
    this.#awaited.clear()
    for (const listener of [...this.#listeners.values()]) listener.lost(error, isFinal)
    this.#listeners.clear()
    this.#socket.close()
  }

  async #begin(): Promise<void> {
    const socket = this.#socket
    watchLiveness(socket, { isHeld: () => false, ask: JSON.stringify({ type: 'ping' }) })
    socket.addEventListener('message', ({ data }) => this.#heard(data))
    socket.addEventListener('close', (event) => this.fail(finalCloseError(event) ?? lost()))
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve())
      socket.addEventListener('error', (event) => {
        const refused = refusedUpgradeError((event as { message?: unknown }).message)
        if (refused) this.fail(refused)
        reject(refused ?? lost())
      })
      socket.addEventListener('close', () => reject(this.#failure))
    })
    await this.#authenticate()
  }

  async #authenticate(): Promise<void> {
    const token = await this.#access.current()
    try {
      await this.#prove(token)
    } catch (error) {
      const isRefused = error instanceof KrownClientError && error.code === 'UNAUTHENTICATED'
      const next = isRefused && token !== undefined ? await this.#access.renew(token) : undefined
      if (next === undefined) throw error
      await this.#prove(next)
    }
    this.#scheduleRenewal()
  }

  async #prove(token: string | undefined): Promise<void> {
    if (token === undefined) {
      throw new KrownClientError('UNAUTHENTICATED', 'nobody is signed in', { kind: 'unauthenticated' })
    }
    await this.#request({ type: 'authenticate', token, protocol: 1 })
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#renewal)
    const staleInMs = this.#access.staleInMs()
    if (staleInMs === undefined || this.#isOver) return
    this.#renewal = setTimeout(() => void this.#renew(), Math.max(staleInMs, MIN_RENEWAL_DELAY_MS))
    unref(this.#renewal)
  }

  // Whatever goes wrong is met again where it matters: the server closes the socket, and the next one authenticates.
  async #renew(): Promise<void> {
    try {
      await this.#prove(await this.#access.current())
      this.#scheduleRenewal()
    } catch {}
  }

  #request(message: Record<string, unknown>, accepted: (reply: Message) => void = () => {}): Promise<void> {
    if (this.#isOver) return Promise.reject(this.#failure)
    this.#asked += 1
    const id = this.#asked
    return new Promise((resolve, reject) => {
      const accept = (reply: Message) => {
        accepted(reply)
        resolve()
      }
      this.#awaited.set(id, { accept, reject })
      this.tell({ ...message, id })
    })
  }

  #heard(data: unknown): void {
    if (this.#isOver) return
    try {
      if (typeof data === 'string') this.#said(toMessage(data))
      else this.#received(decodeFrame(new Uint8Array(data as ArrayBuffer)))
    } catch (error) {
      this.fail(error instanceof KrownClientError ? error : notUnderstood())
      endNow(this.#socket)
    }
  }

  #said(message: Message): void {
    const { id, channel } = message
    const awaited = typeof id === 'number' ? this.#awaited.get(id) : undefined
    if (typeof id === 'number') this.#awaited.delete(id)
    if (awaited) this.#answered(awaited, message)
    else if (typeof channel === 'number') this.#listeners.get(channel)?.said(message)
  }

  #answered({ accept, reject }: Awaited, message: Message): void {
    if (message.type === 'error') reject(toRefusal(message))
    else accept(message)
  }

  #received(frame: Frame): void {
    this.#listeners.get(frame.channel)?.received(frame)
  }

  #leavePlace(): void {
    this.#places -= 1
    if (this.#places > 0 || this.#isOver) return
    this.#idle = setTimeout(() => this.fail(lost()), IDLE_MS)
    unref(this.#idle)
  }
}

/** Pieces that fit into a frame. */
export function* piecesOf(data: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += MAX_INPUT_BYTES) yield data.subarray(at, at + MAX_INPUT_BYTES)
}

function toMessage(text: string): Message {
  const message: unknown = JSON.parse(text)
  if (!isRecord(message) || typeof message.type !== 'string') throw notUnderstood()
  return { ...message, type: message.type }
}

function lost(): KrownClientError {
  return connectionLost('the connection to the server was lost')
}
