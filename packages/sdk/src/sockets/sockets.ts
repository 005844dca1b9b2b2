import type { AppRouter } from '@krown/server'
import { TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { ChannelSockets } from '../channels/channel-sockets.js'
import type { ClientSettings } from '../options.js'
import type { Access } from '../sign-in/access.js'
import { Socket } from './socket.js'
import { closedByCaller, noWebSocket } from './socket-end.js'
import type { SocketPlatform } from './socket-platform.js'

/**
 * A socket that comes back asks for all its subscriptions in one array, and the server takes ten questions in one: the
 * others are for proving who this is.
 */
const MAX_READERS = 8
/** Besides the shared ones. The server allows a user a limited number. */
const MAX_OWN_SOCKETS = 8

/**
 * The WebSockets of a client: those that everything shares and, where reading can be held back, a few for the output of
 * commands, so that a reader who takes his time holds nobody else.
 */
export class Sockets {
  /** For terminals. */
  readonly channels: ChannelSockets
  readonly #access: Access
  readonly #url: string
  readonly #platform: SocketPlatform
  #shared: Socket[] = []
  #own: Socket[] = []
  #closed = false

  constructor({
    settings,
    access,
    platform,
  }: { settings: ClientSettings; access: Access; platform: SocketPlatform }) {
    this.#access = access
    this.#url = `${settings.baseUrl.replace(/^http/, 'ws')}/trpc`
    this.#platform = platform
    this.channels = new ChannelSockets({ baseUrl: settings.baseUrl, access, platform })
  }

  get canHold(): boolean {
    return this.#platform.canHold
  }

  shared(): Socket {
    this.#shared = this.#shared.filter((socket) => socket.usable)
    const free = this.#shared.find((socket) => socket.readers < MAX_READERS)
    if (free) return free
    const socket = this.#create()
    this.#shared.push(socket)
    return socket
  }

  /** For one reader who may hold it. */
  forOutput(): Socket {
    if (!this.canHold) return this.shared()
    this.#own = this.#own.filter((socket) => socket.usable)
    const [free] = this.#own.toSorted((a, b) => a.readers - b.readers)
    const isLast = this.#own.length >= MAX_OWN_SOCKETS
    if (free && (free.readers === 0 || (isLast && free.readers < MAX_READERS))) return free
    const socket = this.#create()
    this.#own.push(socket)
    return socket
  }

  /** For subscriptions of the raw tRPC client. */
  readonly link: TRPCLink<AppRouter> = (runtime) => {
    return (operation) =>
      observable((observer) => {
        const socket = this.shared()
        const reader = { fail: (error: unknown) => observer.error(TRPCClientError.from(error as Error)) }
        socket.attach(reader)
        const reading = socket.link(runtime)(operation).subscribe(observer)
        return () => {
          reading.unsubscribe()
          socket.detach(reader)
        }
      })
  }

  /** Ends what is being read. What is read from now on goes through new connections. */
  drop(reason: unknown): void {
    const sockets = [...this.#shared, ...this.#own]
    for (const socket of sockets) socket.fail(reason)
    this.channels.drop(reason)
  }

  /** Nothing can be read any more. */
  close(): void {
    this.#closed = true
    this.channels.close()
    this.drop(closedByCaller())
  }

  #create(): Socket {
    const { WebSocket } = this.#platform
    if (this.#closed) throw closedByCaller()
    if (!WebSocket) throw noWebSocket()
    return new Socket({ url: this.#url, access: this.#access, WebSocket })
  }
}
