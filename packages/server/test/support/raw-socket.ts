import { type ClientOptions, WebSocket } from 'ws'

type Json = Record<string, unknown>

/** A WebSocket that says exactly what a test wants, and remembers what it heard. */
export class RawSocket implements AsyncDisposable {
  readonly ws: WebSocket
  readonly heard: Json[] = []
  /** Binary frames, oldest first. */
  readonly frames: Buffer[] = []
  /** The code that it was closed with. */
  readonly closed: Promise<number>
  #wake: () => void = () => {}

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('error', () => {})
    ws.on('message', (data: Buffer, isBinary) => {
      const text = String(data)
      if (isBinary) this.frames.push(data)
      else if (text !== 'PONG') this.heard.push(JSON.parse(text))
      this.#wake()
    })
    // Not `once`, which an error before the close would reject.
    this.closed = new Promise((resolve) => {
      ws.on('close', (code) => {
        resolve(code)
        this.#wake()
      })
    })
  }

  /** @throws Error with the HTTP status in its message when the upgrade is refused. */
  static async connect(url: string, path: string, options: ClientOptions = {}): Promise<RawSocket> {
    const ws = new WebSocket(`${url.replace('http', 'ws')}${path}`, options)
    const socket = new RawSocket(ws)
    await new Promise((resolve, reject) => {
      ws.once('open', resolve)
      ws.once('error', reject)
    })
    return socket
  }

  send(...messages: unknown[]): void {
    for (const message of messages) {
      this.ws.send(typeof message === 'string' ? message : JSON.stringify(message))
    }
  }

  /** The first message that fits, heard already or to come. @throws Error when the socket closes before. */
  until(fits: (message: Json) => boolean): Promise<Json> {
    return this.untilSome(() => this.heard.find(fits))
  }

  /** Looks again whenever something was heard. @throws Error when the socket closes before. */
  async untilSome<Found>(look: () => Found | undefined): Promise<Found> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error('the socket closed before')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ws.terminate()
    await this.closed
  }
}
