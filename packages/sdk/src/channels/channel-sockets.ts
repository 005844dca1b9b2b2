import type { Access } from '../sign-in/access.js'
import { closedByCaller, noWebSocket } from '../sockets/socket-end.js'
import type { SocketPlatform } from '../sockets/socket-platform.js'
import { ChannelSocket } from './channel-socket.js'

/** Of one socket, as the server has it. */
const MAX_CHANNELS = 64

export interface ChannelSocketsParts {
  readonly baseUrl: string
  readonly access: Access
  readonly platform: SocketPlatform
}

/** The WebSockets of a client for terminals: as few as will do, since each channel has a window of its own. */
export class ChannelSockets {
  readonly #parts: ChannelSocketsParts
  #sockets: ChannelSocket[] = []
  #isClosed = false

  constructor(parts: ChannelSocketsParts) {
    this.#parts = parts
  }

  /** One with a place left. @throws KrownClientError CONNECTION_LOST when the client was closed. */
  get(): ChannelSocket {
    if (this.#isClosed) throw closedByCaller()
    this.#sockets = this.#sockets.filter(({ usable }) => usable)
    const free = this.#sockets.find(({ places }) => places < MAX_CHANNELS)
    if (free) return free
    const { baseUrl, access, platform } = this.#parts
    if (!platform.WebSocket) throw noWebSocket()
    const url = `${baseUrl.replace(/^http/, 'ws')}/ws`
    const socket = new ChannelSocket({ url, access, WebSocket: platform.WebSocket })
    this.#sockets.push(socket)
    return socket
  }

  /** Ends what is attached. */
  drop(reason: unknown): void {
    for (const socket of this.#sockets) socket.fail(reason, true)
  }

  close(): void {
    this.#isClosed = true
    this.drop(closedByCaller())
  }
}
