import type { AppRouter } from '@krown/server'
import type { TRPCClient } from '@trpc/client'
import { askAgainInMs, connectionLost, isPassing, KrownClientError } from '../errors/errors.js'
import { notUnderstood } from '../errors/problem.js'
import { toClientError } from '../errors/to-client-error.js'
import { isRecord } from '../sockets/frames.js'
import type { Socket, SocketReader } from '../sockets/socket.js'
import { Patience } from './patience.js'
import { SizedQueue } from './sized-queue.js'

/** What tRPC calls back with, for any subscription of Krown's. */
export interface FeedObserver<Raw> {
  onStarted(): void
  /** `event` is whatever the server sent. */
  onData(event: { data: Raw } | null): void
  onError(error: unknown): void
  onComplete(): void
  onConnectionStateChange(state: { state: string; error: unknown }): void
}

/** Where items come from, and how far this reader got. */
export interface FeedSource<Raw, Item> {
  /** Subscribes from where {@link accept} has got to. */
  open(trpc: TRPCClient<AppRouter>, observer: FeedObserver<Raw>): { unsubscribe(): void }
  /** The items in it: none for what was seen before, or is of a kind that this SDK does not know. */
  accept(raw: Raw): readonly Item[]
  /** Roughly, bytes. */
  sizeOf(item: Item): number
  /** Said to the reader when something may have been missed for good; left out where nothing can be. */
  missed?(): readonly Item[]
}

export interface FeedOptions<Raw, Item> {
  readonly source: FeedSource<Raw, Item>
  /** Called for each subscription: the last socket may have failed. */
  readonly socket: () => Socket
  /** Let the sender wait rather than come back later; only for a socket of its own. */
  readonly holds: boolean
  readonly reconnectForMs: number
  readonly signal?: AbortSignal | undefined
}

const HOLD_AT_BYTES = 1024 * 1024
const GO_ON_AT_BYTES = 256 * 1024
/** The server lets a command wait as long for its reader. */
const MAX_HOLD_MS = 60_000
/** A subscription that lasted so long was not refused. */
const SETTLED_AFTER_MS = 5_000

/**
 * A subscription as a queue of bounded size. Survives lost connections; when its reader is slow it holds the socket, or
 * leaves and comes back from where it was.
 */
export class Feed<Raw, Item> implements SocketReader {
  readonly #options: FeedOptions<Raw, Item>
  readonly #queue: SizedQueue<Item>
  readonly #patience: Patience
  #socket: Socket | undefined
  #subscription: { unsubscribe(): void } | undefined
  #starts = 0
  #away = false
  #triedAgain = false
  #over = false
  #error: unknown
  #holdTimer: ReturnType<typeof setTimeout> | undefined
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #settledTimer: ReturnType<typeof setTimeout> | undefined
  readonly #onAbort = () => {
    this.#queue.clear()
    this.fail(this.#options.signal?.reason)
  }

  constructor(options: FeedOptions<Raw, Item>) {
    this.#options = options
    this.#queue = new SizedQueue((item) => options.source.sizeOf(item))
    this.#patience = new Patience(options.reconnectForMs, () =>
      this.fail(connectionLost('the connection was lost and could not be made again')),
    )
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal?.aborted) this.#onAbort()
    else this.#open()
  }

  /** The next item, waiting for it if need be; undefined when there are no more. @throws What ended it early. */
  async next(): Promise<Item | undefined> {
    while (this.#queue.isEmpty) {
      if (this.#error !== undefined) throw this.#error
      if (this.#over) return undefined
      await this.#queue.changed()
    }
    const item = this.#queue.take()
    if (this.#queue.bytes <= GO_ON_AT_BYTES) this.#goOn()
    return item
  }

  /** Nothing more is wanted. */
  stop(): void {
    this.#queue.clear()
    this.#end()
  }

  /** Ends it for its reader, after what is queued. */
  fail(error: unknown): void {
    if (this.#over) return
    this.#error = error
    this.#end()
  }

  #end(): void {
    this.#over = true
    for (const timer of [this.#holdTimer, this.#retryTimer]) clearTimeout(timer)
    this.#patience.end()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#leave()
    this.#queue.wake()
  }

  #open(): void {
    if (this.#over || this.#subscription) return
    try {
      const socket = this.#options.socket()
      this.#socket = socket
      socket.attach(this)
      this.#subscription = this.#options.source.open(socket.trpc, this.#observer())
    } catch (error) {
      this.fail(error)
    }
  }

  #leave(): void {
    const [socket, subscription] = [this.#socket, this.#subscription]
    this.#socket = undefined
    this.#subscription = undefined
    clearTimeout(this.#settledTimer)
    subscription?.unsubscribe()
    socket?.detach(this)
  }

  #observer(): FeedObserver<Raw> {
    // Of a subscription that was left, late words may still arrive.
    let current = true
    const leftBehind = () => !current || this.#over
    const leave = () => {
      current = false
      this.#leave()
    }
    return {
      onStarted: () => leftBehind() || this.#started(),
      onData: (event) => leftBehind() || this.#received(event, leave),
      onError: (error) => {
        if (leftBehind()) return
        const socket = this.#socket
        leave()
        void this.#refused(toClientError(error), socket)
      },
      onComplete: () => leftBehind() || this.#end(),
      onConnectionStateChange: ({ state, error }) => {
        // That the socket is open again says nothing yet of the subscription.
        if (!leftBehind() && state === 'connecting' && error) this.#patience.begin()
      },
    }
  }

  #started(): void {
    this.#patience.end()
    this.#starts++
    clearTimeout(this.#settledTimer)
    this.#settledTimer = setTimeout(() => {
      this.#triedAgain = false
    }, SETTLED_AFTER_MS)
    const missed = this.#starts > 1 ? this.#options.source.missed?.() : undefined
    for (const item of missed ?? []) this.#queue.push(item)
  }

  #received(event: { data: Raw } | null, leave: () => void): void {
    this.#patience.end()
    this.#triedAgain = false
    try {
      if (!isRecord(event?.data)) throw notUnderstood()
      for (const item of this.#options.source.accept(event.data)) this.#queue.push(item)
    } catch {
      // What is thrown from here tRPC would let end the process.
      this.fail(notUnderstood())
      return
    }
    if (this.#queue.bytes < HOLD_AT_BYTES) return
    if (this.#options.holds) {
      this.#hold()
    } else {
      this.#away = true
      leave()
    }
  }

  #hold(): void {
    this.#socket?.hold(this)
    this.#holdTimer ??= setTimeout(() => this.fail(tooSlow()), MAX_HOLD_MS)
  }

  #goOn(): void {
    clearTimeout(this.#holdTimer)
    this.#holdTimer = undefined
    this.#socket?.release(this)
    if (!this.#away) return
    this.#away = false
    this.#open()
  }

  async #refused(error: unknown, socket: Socket | undefined): Promise<void> {
    if (!(error instanceof KrownClientError)) return this.fail(error)
    if (error.code === 'UNAUTHENTICATED') return this.#tryAgain(error, socket)
    if (!isPassing(error)) return this.fail(error)
    this.#patience.begin()
    this.#retryTimer = setTimeout(() => this.#open(), askAgainInMs(error))
  }

  async #tryAgain(refusal: KrownClientError, socket: Socket | undefined): Promise<void> {
    if (this.#triedAgain) return this.fail(refusal)
    this.#triedAgain = true
    try {
      if (await socket?.authenticateAgain()) this.#open()
      else this.fail(refusal)
    } catch (error) {
      this.fail(toClientError(error))
    }
  }
}

function tooSlow(): KrownClientError {
  return new KrownClientError('READER_TOO_SLOW', 'the output was not read for 60 seconds', {
    kind: 'limit_exceeded',
  })
}
