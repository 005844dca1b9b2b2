import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AttachOptions,
  ChannelEvent,
  ChannelHandle,
  ChannelId,
  ChannelRole,
  RemoteKrownClient,
  UserId,
} from '@krown/sdk'
import { isCode } from '../output/explain-error.js'

type Doors = Pick<RemoteKrownClient, 'channels' | 'commands'>

/** What happens to the way there, and not in the channel. */
export interface WayEvents {
  /** Attaching again is tried from now on. */
  lost(): void
  /** Attached again where it was. */
  back(): void
}

const FIRST_WAIT_MS = 200
const MAX_WAIT_MS = 2_000
const GIVE_UP_MS = 60_000
const PASSING = ['CONNECTION_LOST', 'UNAVAILABLE', 'DRAINING'] as const

/** A channel that is attached to again, where it was, when the connection broke. */
export class SteadyChannel {
  readonly #doors: Doors
  readonly #way: WayEvents
  readonly #left = new AbortController()
  #handle: ChannelHandle
  #isLost = false
  #role: ChannelRole
  /** Who we are, where we type or typed. */
  #me: UserId | null = null

  private constructor(parts: { doors: Doors; handle: ChannelHandle; way: WayEvents }) {
    this.#doors = parts.doors
    this.#way = parts.way
    this.#handle = parts.handle
    this.#role = parts.handle.role
    this.#noteRole(parts.handle.channel.keyboard)
  }

  static async attach(
    doors: Doors,
    id: ChannelId,
    { way, ...options }: AttachOptions & { way: WayEvents },
  ): Promise<SteadyChannel> {
    return new SteadyChannel({ doors, handle: await doors.channels.attach(id, options), way })
  }

  /** Undefined while the connection is lost. */
  get handle(): ChannelHandle | undefined {
    return this.#isLost ? undefined : this.#handle
  }

  /** As it was when it was attached to first, or last. */
  get channel(): ChannelHandle['channel'] {
    return this.#handle.channel
  }

  /** After the newest byte that was handed out. */
  get offset(): number {
    return this.#handle.offset
  }

  get isDriver(): boolean {
    return !this.#isLost && this.#handle.role === 'driver'
  }

  /** Ends with `closed`, or without when it was left. @throws What attaching again cannot mend. */
  async *events(): AsyncGenerator<ChannelEvent> {
    let error: unknown
    do {
      error = yield* this.#eventsUntilError()
      if (error === undefined || this.#hasLeft) return
      // Who was suspended was too slow; the other side went on meanwhile.
      if (!isCode(error, 'CONNECTION_LOST') && !isCode(error, 'READER_TOO_SLOW')) throw error
      const closed = await this.#comeBack(error)
      if (closed) yield closed
    } while (this.#isLost === false)
  }

  /** What runs goes on. */
  async leave(): Promise<void> {
    this.#left.abort()
    if (!this.#isLost) await this.#handle.detach().catch(() => undefined)
  }

  get #hasLeft(): boolean {
    return this.#left.signal.aborted
  }

  /** @returns What went wrong; undefined at the end. */
  async *#eventsUntilError(): AsyncGenerator<ChannelEvent, unknown> {
    try {
      for await (const event of this.#handle.events()) {
        if (event.type === 'keyboard') this.#noteRole(event.userId)
        yield event
      }
      return undefined
    } catch (error) {
      return error
    }
  }

  #noteRole(keyboard: UserId | null): void {
    this.#role = this.#handle.role
    if (this.#role === 'driver') this.#me = keyboard
  }

  /** @returns The end of the channel, when it ended meanwhile. @throws The error, when there is no way back. */
  async #comeBack(error: unknown): Promise<ChannelEvent | undefined> {
    this.#isLost = true
    this.#way.lost()
    const giveUpAt = performance.now() + GIVE_UP_MS
    for (
      let waitMs = FIRST_WAIT_MS;
      performance.now() < giveUpAt;
      waitMs = Math.min(MAX_WAIT_MS, waitMs * 2)
    ) {
      await sleep(waitMs, undefined, { signal: this.#left.signal }).catch(() => undefined)
      if (this.#hasLeft) return undefined
      try {
        return await this.#attachAgain()
      } catch (reason) {
        if (!PASSING.some((code) => isCode(reason, code))) throw reason
      }
    }
    throw error
  }

  async #attachAgain(): Promise<ChannelEvent | undefined> {
    const { id, offset } = this.#handle
    try {
      this.#handle = await this.#doors.channels.attach(id, { offset, role: this.#role })
    } catch (error) {
      if (!isCode(error, 'NOT_FOUND')) throw error
      return { type: 'closed', command: await this.#doors.commands.get(id) }
    }
    this.#isLost = false
    await this.#sitDownAgain()
    this.#way.back()
    return undefined
  }

  /** The server may not have noticed yet that we were gone: then our old place has the keyboard. */
  async #sitDownAgain(): Promise<void> {
    const { role, channel } = this.#handle
    const isOurs = this.#role === 'driver' && channel.keyboard === this.#me
    if (isOurs && role !== 'driver') await this.#handle.takeOver()
    this.#noteRole(channel.keyboard)
  }
}
