import type { OutputCarrier } from '@krown/core'
import type { CallSocket } from './context.js'

/** Well below what core holds of a command's output, in bytes and in pieces. */
const ASK_EVERY_BYTES = 16 * 1024
const ASK_EVERY_MESSAGES = 64

/** Output on its way to a driver over a WebSocket: now and then it asks how far it came. */
export class SocketCarrier implements OutputCarrier {
  readonly #socket: Pick<CallSocket, 'wasCut' | 'whenArrived'>
  #listener: ((offset: number) => void) | undefined
  #asked: number
  #messages = 0

  constructor(socket: Pick<CallSocket, 'wasCut' | 'whenArrived'>, after: number) {
    this.#socket = socket
    this.#asked = after
  }

  get broke(): boolean {
    return this.#socket.wasCut
  }

  onArrived(listener: (offset: number) => void): void {
    this.#listener = listener
  }

  /** To be told after each message that was written, with the offset after it. */
  sent(end: number): void {
    const listener = this.#listener
    if (!listener) return
    this.#messages += 1
    if (end - this.#asked < ASK_EVERY_BYTES && this.#messages < ASK_EVERY_MESSAGES) return
    this.#asked = end
    this.#messages = 0
    this.#socket.whenArrived(() => listener(end))
  }
}
