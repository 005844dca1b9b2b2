import { createRequire } from 'node:module'
import type { SessionEvent } from '@krown/sdk'

interface Socket {
  on(event: 'open', listener: () => void): void
  on(event: 'message', listener: (data: Buffer) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'close', listener: (code: number) => void): void
  send(text: string): void
  terminate(): void
}

// The very library that the SDK uses, which the root of the workspace does not depend on.
const requireFromSdk = createRequire(import.meta.resolve('@krown/sdk'))
const { WebSocket } = requireFromSdk('ws') as { WebSocket: new (url: string) => Socket }

interface Watched {
  readonly url: string
  readonly token: string
  readonly sessionId: string
}

/** What one watcher got of a command. */
export interface WatchReport {
  readonly bytes: number
  readonly gaps: number
}

/**
 * A client of the plain protocol on `/ws` that follows a session until its next command ended. It fails when anything
 * comes twice, or is left out without a gap that says so.
 */
export class Watcher {
  readonly #socket: Socket
  /** Undefined before the first event. */
  #seq: number | undefined
  /** Undefined after a gap that does not say how many bytes were lost. */
  #offset: number | undefined = 0
  #bytes = 0
  #gaps = 0
  readonly #started = settleable<void>()
  readonly #finished = settleable<WatchReport>()

  constructor({ url, token, sessionId }: Watched) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
    this.#socket = socket
    const say = (message: object) => socket.send(JSON.stringify(message))
    socket.on('open', () => {
      say({ type: 'authenticate', token, protocol: 1 })
      say({ type: 'subscribe_session', sessionId })
    })
    socket.on('message', (data) => this.#take(JSON.parse(data.toString('utf8'))))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', (code) => this.#fail(new Error(`closed with ${code}`)))
  }

  /** Resolves when every event from now on comes to it. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  get finished(): Promise<WatchReport> {
    return this.#finished.promise
  }

  #take(event: SessionEvent | { type: 'error'; code: string }): void {
    if (event.type === 'error') this.#fail(new Error(`refused: ${event.code}`))
    else if ('seq' in event && (event.type as string) !== 'subscribed') this.#follow(event)
  }

  #follow(event: SessionEvent): void {
    const from = event.type === 'gap' ? event.fromSeq : event.seq
    if (this.#seq !== undefined && from !== this.#seq + 1) {
      this.#fail(new Error(`${event.type} ${from} after ${this.#seq}`))
    }
    this.#seq = event.seq
    this.#started.resolve()
    if (event.type === 'gap') this.#skip(event.toOffset)
    if (event.type === 'command_output') this.#read(event)
    if (event.type === 'command_finished') this.#end(event.command.stdoutBytes)
  }

  #skip(toOffset: number | undefined): void {
    this.#gaps += 1
    this.#offset = toOffset
  }

  #read({ offset, data, encoding }: Extract<SessionEvent, { type: 'command_output' }>): void {
    if (offset !== (this.#offset ?? offset)) this.#fail(new Error(`byte ${offset} after ${this.#offset}`))
    const bytes = Buffer.byteLength(data, encoding)
    this.#bytes += bytes
    this.#offset = offset + bytes
  }

  #end(bytes: number): void {
    if (bytes !== (this.#offset ?? bytes))
      this.#fail(new Error(`${bytes} bytes in all after ${this.#offset}`))
    this.#finished.resolve({ bytes: this.#bytes, gaps: this.#gaps })
    this.#socket.terminate()
  }

  // The first settlement counts: what comes after the end changes nothing.
  #fail(error: Error): void {
    this.#started.reject(error)
    this.#finished.reject(error)
    this.#socket.terminate()
  }
}

interface Settleable<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

function settleable<T>(): Settleable<T> {
  const parts = {} as { resolve(value: T): void; reject(error: Error): void }
  const promise = new Promise<T>((resolve, reject) => Object.assign(parts, { resolve, reject }))
  // Whoever waits for it hears of it; some wait for one of two only.
  promise.catch(() => undefined)
  return { promise, ...parts }
}
