import { WebSocket } from 'ws'
import type { SocketPlatform } from './socket-platform.js'

class NodeSocket extends WebSocket {
  constructor(url: string | URL) {
    super(url, { perMessageDeflate: false, handshakeTimeout: 10_000 })
  }
}

/** Node: its own WebSocket, where it has one, cannot be held back. */
export const nodePlatform: SocketPlatform = {
  WebSocket: NodeSocket as unknown as typeof globalThis.WebSocket,
  canHold: true,
}
