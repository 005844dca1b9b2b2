import type {
  AttachOptions,
  Channel,
  ChannelEvent,
  ChannelHandle,
  ChannelId,
  ChannelRole,
  ChannelSignal,
  CommandOutputEvent,
  CommandSummary,
  TerminalSize,
} from '@krown/core/model'
import { connectionLost, isPassing, KrownClientError } from '../errors/errors.js'
import { notUnderstood } from '../errors/problem.js'
import { toBytes } from '../http/bytes.js'
import { Patience } from '../streams/patience.js'
import { SizedQueue } from '../streams/sized-queue.js'
import { Acknowledger } from './acknowledger.js'
import { readFrame, readMessage } from './channel-events.js'
import type { ChannelSocket, Message } from './channel-socket.js'
import type { ChannelSockets } from './channel-sockets.js'
import { FRAME, type Frame } from './frames.js'
import { InputWriter } from './input-writer.js'
import { toRefusal } from './refusal.js'

export interface SdkChannelParts {
  readonly sockets: ChannelSockets
  readonly reconnectForMs: number
  /** What was printed after that, and how it ended, for who was away meanwhile. */
  rest(id: ChannelId, after: number): AsyncIterable<CommandOutputEvent>
  close(id: ChannelId): Promise<CommandSummary>
}

interface Link {
  readonly socket: ChannelSocket
  readonly number: number
  readonly writer: InputWriter
  readonly acknowledger: Acknowledger
}

const WINDOW_BYTES = 256 * 1024
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 10_000

/**
 * A channel of the server, over a WebSocket that may be lost: then it attaches again where it was. What was received is
 * acknowledged when the reader came back for more, so that a slow one holds no more than the window.
 */
export class SdkChannel implements ChannelHandle {
  readonly id: ChannelId
  readonly #parts: SdkChannelParts
  readonly #patience: Patience
  readonly #queue = new SizedQueue<ChannelEvent>(sizeOf)
  #channel: Channel | undefined
  #role: ChannelRole = 'watcher'
  #link: Link | undefined
  #linked: Promise<Link>
  #written: Promise<unknown> = Promise.resolve()
  #received = 0
  #offset = 0
  #reason: unknown
  #isOver = false
  #error: unknown

  private constructor(parts: SdkChannelParts, id: ChannelId, options: AttachOptions) {
    this.id = id
    this.#parts = parts
    this.#patience = new Patience(parts.reconnectForMs, () =>
      this.#end(connectionLost('the connection was lost and could not be made again')),
    )
    this.#linked = this.#attach({ ...options })
    this.#linked.catch(() => {})
  }

  /** @throws KrownClientError as the server refuses. */
  static async attach(parts: SdkChannelParts, id: ChannelId, options: AttachOptions): Promise<SdkChannel> {
    const channel = new SdkChannel(parts, id, options)
    await channel.#linked
    return channel
  }

  get channel(): Channel {
    if (!this.#channel) throw notUnderstood()
    return this.#channel
  }

  get role(): ChannelRole {
    return this.#role
  }

  get offset(): number {
    return this.#offset
  }

  async *events(): AsyncGenerator<ChannelEvent> {
    try {
      for (let event = await this.#next(); event; event = await this.#next()) yield event
    } finally {
      await this.detach()
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const event of this.events()) if (event.type === 'output') yield event.data
  }

  async write(data: string | Uint8Array): Promise<void> {
    const bytes = toBytes(data)
    const sent = this.#inOrder(async () => (await this.#linked).writer.send(bytes))
    await (await sent).taken
  }

  async endInput(): Promise<void> {
    await this.#inOrder(() => this.#ask({ type: 'end_input' }))
  }

  resize({ columns, rows }: TerminalSize): Promise<void> {
    return this.#ask({ type: 'resize', columns, rows })
  }

  signal(signal: ChannelSignal): Promise<void> {
    return this.#ask({ type: 'signal', signal })
  }

  async takeOver(): Promise<void> {
    await this.#ask({ type: 'take_over' })
    this.#role = 'driver'
  }

  async detach(): Promise<void> {
    if (this.#isOver) return
    const link = this.#link
    this.#queue.clear()
    this.#end(undefined)
    // It has left in any case.
    await link?.socket.ask({ type: 'detach', channel: link.number }).catch(() => {})
  }

  close(): Promise<CommandSummary> {
    return this.#parts.close(this.id)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.detach()
  }

  async #next(): Promise<ChannelEvent | undefined> {
    this.#link?.acknowledger.took(this.#offset)
    while (this.#queue.isEmpty) {
      if (this.#error !== undefined) throw this.#error
      if (this.#isOver) return undefined
      await this.#queue.changed()
    }
    const event = this.#queue.take()
    if (event?.type === 'output') this.#offset = event.offset + event.data.length
    if (event?.type === 'gap') this.#offset = event.toOffset
    return event
  }

  /** What is asked after one that failed is asked nevertheless. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#written.then(work, work)
    this.#written = done.catch(() => {})
    return done
  }

  async #ask(message: Record<string, unknown>): Promise<void> {
    const { socket, number } = await this.#linked
    await socket.ask({ ...message, channel: number })
  }

  async #attach(options: AttachOptions): Promise<Link> {
    const socket = this.#parts.sockets.get()
    const message = { ...options, channelId: this.id, flow: { windowBytes: WINDOW_BYTES } }
    let link: Link | undefined
    await socket.attach(message, (attached) => {
      link = this.#attached(socket, attached)
      return {
        said: (said) => this.#said(said),
        received: (frame) => this.#receivedFrame(frame),
        lost: (error, isFinal) => this.#lost(error, isFinal),
      }
    })
    if (!link) throw notUnderstood()
    if (this.#isOver) this.#leave()
    return link
  }

  #attached(
    socket: ChannelSocket,
    { channel: number, role, offset, info }: Message & { channel: number },
  ): Link {
    if (typeof offset !== 'number') throw notUnderstood()
    const isAgain = this.#channel !== undefined
    const before = this.#role
    this.#role = role === 'driver' ? 'driver' : 'watcher'
    this.#channel ??= info as Channel
    if (!isAgain) {
      this.#received = offset
      this.#offset = offset
    } else if (before !== this.#role) {
      const { keyboard } = info as Channel
      this.#queue.push({ type: 'keyboard', userId: keyboard, role: this.#role })
    }
    const acknowledger = new Acknowledger({
      from: offset,
      everyBytes: WINDOW_BYTES / 4,
      send: (taken) => socket.tell({ type: 'ack', channel: number, offset: taken }),
    })
    const writer = new InputWriter({ type: (data) => socket.type(number, data) })
    this.#link = { socket, number, writer, acknowledger }
    this.#patience.end()
    return this.#link
  }

  #receivedFrame(frame: Frame): void {
    if (frame.kind === FRAME.inputTaken) this.#link?.writer.taken(frame.offset)
    else this.#accept(readFrame(frame, this.#received))
  }

  #said(message: Message): void {
    if (message.type === 'error') this.#refused(message)
    else if (message.type === 'detached')
      this.#end(this.#reason ?? connectionLost('the server let go of the channel'))
    else this.#accept(readMessage(message, this.#received))
  }

  #refused(message: Message): void {
    const error = toRefusal(message)
    if (typeof message.inputOffset === 'number') this.#link?.writer.refused(message.inputOffset, error)
    else this.#reason = error
  }

  #accept(event: ChannelEvent | undefined): void {
    if (!event || this.#isOver) return
    if (event.type === 'output') this.#received = event.offset + event.data.length
    if (event.type === 'gap') this.#received = event.toOffset
    if (event.type === 'keyboard') this.#role = event.role
    this.#queue.push(event)
    if (event.type === 'closed') this.#end(undefined)
  }

  #lost(error: unknown, isFinal: boolean): void {
    this.#forgetLink(error)
    if (this.#isOver) return
    if (isFinal) {
      this.#end(error)
      return
    }
    this.#patience.begin()
    this.#linked = this.#comeBack()
    this.#linked.catch((reason: unknown) => this.#end(reason))
  }

  async #comeBack(): Promise<Link> {
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      if (this.#isOver) throw this.#error ?? left()
      try {
        return await this.#attach({ offset: this.#received, role: this.#role })
      } catch (error) {
        if (!isPassing(error)) return await this.#giveUp(error)
        await sleep(Math.max(waitMs, error.retryAfterMs ?? 0))
      }
    }
  }

  /** @throws What makes trying again useless. */
  async #giveUp(error: unknown): Promise<never> {
    if (error instanceof KrownClientError && error.code === 'NOT_FOUND') await this.#endedMeanwhile()
    throw error
  }

  /** It is no channel any more, but its command is known, with as much of its output as is held. */
  async #endedMeanwhile(): Promise<void> {
    for await (const event of this.#parts.rest(this.id, this.#received)) {
      if (event.type === 'finished') this.#accept({ type: 'closed', command: event.command })
      else this.#accept(event)
    }
  }

  #end(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    this.#patience.end()
    this.#leave()
    this.#queue.wake()
  }

  #leave(): void {
    const link = this.#link
    this.#forgetLink(this.#error ?? left())
    link?.socket.forget(link.number)
    this.#linked = Promise.reject(this.#error ?? left())
    this.#linked.catch(() => {})
  }

  #forgetLink(error: unknown): void {
    this.#link?.writer.lose(error)
    this.#link?.acknowledger.stop()
    this.#link = undefined
  }
}

function sizeOf(event: ChannelEvent): number {
  return event.type === 'output' ? event.data.length : 0
}

function left(): KrownClientError {
  return new KrownClientError('NOT_FOUND', 'the channel has ended, or was left', { kind: 'not_found' })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
