import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { ChannelEvent, ChannelRole } from '../../model/channel.js'
import type { UserId } from '../../model/ids.js'
import type { TerminalSize } from '../../model/terminal.js'
import type { OutputHub, OutputReader } from '../output/output-hub.js'

/** Told to everybody at a channel. Of each kind only the newest matters to who is late. */
export type ChannelNotice = Extract<ChannelEvent, { type: 'resized' | 'keyboard' }>

/** One client at a channel. */
export interface Seat {
  readonly actor: Actor
  readonly reader: OutputReader
  /** Epoch milliseconds. */
  readonly since: number
  role: ChannelRole
  notify(notice: ChannelNotice): void
}

/**
 * Who is at a channel. One user holds the keyboard: at first who started it, then whoever took it over. Of that user's
 * clients one drives; everybody else watches.
 */
export class ChannelSeats {
  readonly #hub: OutputHub
  readonly #attached = new Set<Seat>()
  #keyboard: UserId
  #driver: Seat | undefined

  constructor(hub: OutputHub, keyboard: UserId) {
    this.#hub = hub
    this.#keyboard = keyboard
  }

  get keyboard(): UserId {
    return this.#keyboard
  }

  get attached(): readonly Seat[] {
    return [...this.#attached]
  }

  /** Whether a client of that user would drive without taking anything from anybody. */
  isFreeFor(userId: UserId): boolean {
    return !this.#driver && this.#keyboard === userId
  }

  sit(seat: Seat, { drives, takeOver }: { drives: boolean; takeOver: boolean }): void {
    this.#attached.add(seat)
    if (takeOver) this.takeOver(seat.actor.userId, seat)
    else if (drives) this.#drive(seat)
  }

  leave(seat: Seat): void {
    this.#attached.delete(seat)
    if (this.#driver === seat) this.#driver = undefined
  }

  /** @param seat The client that drives from now on; without one, whoever drove watches, and nobody drives. */
  takeOver(userId: UserId, seat?: Seat): void {
    const before = this.#driver
    if (before) before.role = 'watcher'
    this.#driver = undefined
    this.#keyboard = userId
    if (seat) this.#drive(seat)
    else this.#hub.promote(undefined)
    this.#announceKeyboard()
  }

  /** @throws KrownError CONFLICT when it is not this caller's turn to type. */
  requireKeyboard({ userId }: Actor, seat: Seat | undefined): void {
    const holds = seat ? seat.role === 'driver' : this.#keyboard === userId
    if (holds) return
    throw new KrownError('CONFLICT', 'somebody else holds the keyboard of this channel; take it over first', {
      details: { keyboard: this.#keyboard },
    })
  }

  resized({ columns, rows }: TerminalSize): void {
    for (const seat of this.#attached) seat.notify({ type: 'resized', columns, rows })
  }

  #drive(seat: Seat): void {
    seat.role = 'driver'
    this.#driver = seat
    this.#keyboard = seat.actor.userId
    this.#hub.promote(seat.reader)
  }

  #announceKeyboard(): void {
    for (const seat of this.#attached) {
      seat.notify({ type: 'keyboard', userId: this.#keyboard, role: seat.role })
    }
  }
}
