import {
  type AttachOptions,
  type ChannelEvent,
  type ChannelId,
  type InProcessChannel,
  type InProcessClient,
  KrownError,
} from '@krown/core'
import { encodeFrame, FRAME } from './channel-frames.js'
import { ChannelInput } from './channel-input.js'
import type { ChannelNumber, ChannelNumbers } from './channel-numbers.js'
import { ChannelWindow } from './channel-window.js'
import type { LiveSocket } from './live-socket.js'

export interface AttachmentOutput {
  send(message: Record<string, unknown>): void
  sendFrame(frame: Buffer): void
  fail(error: unknown, about: Record<string, unknown>): void
}

export interface WantedAttachment extends AttachOptions {
  readonly windowBytes?: number | undefined
}

/** One channel that the client of a socket is attached to. */
export interface SocketChannel {
  readonly number: number
  readonly channel: InProcessChannel
  readonly input: ChannelInput
  readonly window: ChannelWindow
}

interface Running extends SocketChannel {
  readonly shared: ChannelNumber
  readonly stop: AbortController
  /** Resolves when it has left. */
  ended: Promise<void>
}

/** Of one socket. */
export const MAX_ATTACHMENTS = 64

/** The channels that one socket is attached to. Each sends as fast as the client acknowledges. */
export class Attachments {
  readonly #socket: LiveSocket
  readonly #numbers: ChannelNumbers
  readonly #output: AttachmentOutput
  readonly #open = new Map<number, Running>()
  #places = 0
  #isOver = false

  constructor(socket: LiveSocket, numbers: ChannelNumbers, output: AttachmentOutput) {
    this.#socket = socket
    this.#numbers = numbers
    this.#output = output
  }

  /**
   * Attaches; what happens is told from {@link start} on.
   *
   * @param find The channel, which may have to be opened first.
   * @throws KrownError QUOTA_EXCEEDED, and whatever core refuses with.
   */
  async attach(
    client: InProcessClient,
    find: () => Promise<ChannelId>,
    { windowBytes, ...wanted }: WantedAttachment,
  ): Promise<SocketChannel> {
    this.#takePlace()
    try {
      const window = new ChannelWindow(this.#socket, windowBytes)
      const channel = await client.channels.attach(await find(), { ...wanted, carrier: window })
      window.begin(channel.offset)
      return await this.#add(channel, window)
    } catch (error) {
      this.#places -= 1
      throw error
    }
  }

  start({ number }: SocketChannel): void {
    const running = this.#open.get(number)
    if (running) running.ended = this.#run(running)
  }

  find(number: number): SocketChannel | undefined {
    return this.#open.get(number)
  }

  /** @throws KrownError NOT_FOUND */
  get(number: number): SocketChannel {
    const found = this.#open.get(number)
    if (!found) throw new KrownError('NOT_FOUND', 'this WebSocket is attached to no channel of that number')
    return found
  }

  /** @throws KrownError NOT_FOUND */
  async detach(number: number): Promise<void> {
    const running = this.#open.get(number)
    if (!running) return void this.get(number)
    running.stop.abort()
    await running.ended
  }

  /** The socket is gone. */
  endAll(): void {
    this.#isOver = true
    for (const { stop } of this.#open.values()) stop.abort()
  }

  #takePlace(): void {
    if (this.#places >= MAX_ATTACHMENTS) {
      throw new KrownError('QUOTA_EXCEEDED', 'attached to too many channels on this WebSocket', {
        details: { limit: MAX_ATTACHMENTS },
      })
    }
    this.#places += 1
  }

  async #add(channel: InProcessChannel, window: ChannelWindow): Promise<SocketChannel> {
    if (this.#isOver) {
      await channel.detach()
      throw new KrownError('UNAVAILABLE', 'the WebSocket is gone')
    }
    const shared = this.#numbers.take(channel.id, (number) => this.#open.has(number))
    const number = shared.value
    const input = new ChannelInput(channel, {
      taken: (offset) => this.#output.sendFrame(encodeFrame(FRAME.inputTaken, { channel: number, offset })),
      refused: (error, inputOffset) => this.#output.fail(error, { channel: number, inputOffset }),
    })
    const stop = new AbortController()
    const running = { number, channel, input, window, shared, stop, ended: Promise.resolve() }
    this.#open.set(number, running)
    return running
  }

  async #run(running: Running): Promise<void> {
    const { number, channel, stop } = running
    let hasEnded = false
    try {
      for await (const event of channel.events({ signal: stop.signal })) {
        if (stop.signal.aborted) break
        this.#tell(running, event)
        hasEnded = event.type === 'closed'
        await this.#socket.ready()
      }
    } catch (error) {
      if (!stop.signal.aborted) this.#output.fail(error, { channel: number })
    }
    this.#remove(running)
    if (!stop.signal.aborted && !hasEnded) this.#output.send({ type: 'detached', channel: number })
  }

  #remove({ number, channel, input, shared }: Running): void {
    this.#open.delete(number)
    this.#places -= 1
    this.#numbers.giveBack(channel.id, shared)
    input.drop()
  }

  #tell({ number, window, shared }: Running, event: ChannelEvent): void {
    if (event.type === 'output') {
      window.sent(event.offset + event.data.length)
      this.#output.sendFrame(shared.frameOf(event))
    } else {
      if (event.type === 'gap') window.skipped(event.fromOffset, event.toOffset)
      this.#output.send(toMessage(number, event))
    }
  }
}

function toMessage(
  channel: number,
  event: Exclude<ChannelEvent, { type: 'output' }>,
): Record<string, unknown> {
  if (event.type !== 'closed') return { ...event, channel }
  const { command } = event
  const { exitCode, signal, errorCode } = command
  return { type: 'channel_closed', channel, exitCode, signal, errorCode, command }
}
