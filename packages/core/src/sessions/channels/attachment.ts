import type { Actor } from '../../model/actor.js'
import type { ChannelEvent, ChannelRole } from '../../model/channel.js'
import type { LiveCommand } from '../commands/live-command.js'
import type { OutputReader } from '../output/output-hub.js'
import type { ChannelNotice, Seat } from './channel-seats.js'

/** One client at one channel. */
export class Attachment implements Seat {
  readonly actor: Actor
  readonly command: LiveCommand
  readonly reader: OutputReader
  /** Epoch milliseconds. */
  readonly since: number
  role: ChannelRole = 'watcher'
  readonly #notices = new Map<ChannelNotice['type'], ChannelNotice>()
  #left = false

  constructor(parts: { actor: Actor; command: LiveCommand; reader: OutputReader; since: number }) {
    this.actor = parts.actor
    this.command = parts.command
    this.reader = parts.reader
    this.since = parts.since
  }

  /** After the newest byte that was handed out. */
  get offset(): number {
    return this.reader.offset
  }

  /** False the second time. */
  leave(): boolean {
    if (this.#left) return false
    this.#left = true
    this.reader.close()
    // Whoever iterates comes to the end.
    this.command.hub.rouse()
    return true
  }

  notify(notice: ChannelNotice): void {
    this.#notices.set(notice.type, notice)
    this.command.hub.rouse()
  }

  /**
   * The next event; undefined when there is no more output.
   *
   * @throws KrownError READER_TOO_SLOW when this was the driver and held the channel for 60 s; the signal's reason.
   */
  async next(signal: AbortSignal | undefined): Promise<ChannelEvent | undefined> {
    const until = () => this.#notices.size > 0 || this.#left
    for (;;) {
      const notice = this.#takeNotice()
      if (notice) return notice
      const event = await this.reader.next({ signal, until })
      if (event || !until() || this.#left) return event
    }
  }

  #takeNotice(): ChannelNotice | undefined {
    for (const [type, notice] of this.#notices) {
      this.#notices.delete(type)
      return notice
    }
    return undefined
  }
}
