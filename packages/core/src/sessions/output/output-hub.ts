import type { Clock } from '../../base/clock.js'
import { raceSignal } from '../../base/deadline.js'
import { type Deferred, defer } from '../../base/deferred.js'
import { KrownError } from '../../errors/krown-error.js'
import type { OutputChunk } from '../../model/krown-client.js'
import type { OutputBudget } from './output-budget.js'
import type { OutputCarrier } from './output-carrier.js'
import { OutputRing, type OutputStream, RING_BYTES, RING_PIECES } from './output-ring.js'

/** What the hub may do to the channel it is fed by. */
export interface Faucet {
  pause(): void
  resume(): void
}

export type HubEvent =
  | ({ type: 'output' } & OutputChunk)
  | { type: 'gap'; fromOffset: number; toOffset: number }

// A data event brings at most one SSH packet; two of each stream may be on their way when the channel pauses.
const OVERSHOOT_BYTES = 64 * 1024
const PAUSE_AT_PIECES = RING_PIECES / 2
const RESUME_AT_PIECES = RING_PIECES / 4
const MAX_CHUNK_BYTES = 32 * 1024
/** So much may be on a driver's way, or the length of the way would decide how fast a command prints. */
const MAX_CARRIED_BYTES = 1024 * 1024

/** A driver that does not read for so long holds the target no longer. */
export const DRIVER_STALL_MS = 60_000

/** A driver whose way broke may be back within so long and go on as if nothing had happened. */
export const DRIVER_RETURN_MS = 5_000

/**
 * Hands the output of one channel to its readers. The *driver*, who started the channel, loses nothing: it may
 * pause the channel. Everyone else is a *watcher* and is told of gaps. With no driver the channel flows freely.
 */
export class OutputHub {
  readonly #clock: Clock
  readonly #budget: OutputBudget
  readonly #ring = new OutputRing()
  #faucet: Faucet | undefined
  #driver: OutputReader | undefined
  /** Stands in for a driver who is on the way. */
  #reserved: OutputReader | undefined
  #cancelStall: (() => void) | undefined
  #cancelReturn: (() => void) | undefined
  // Made only while somebody waits: most chunks arrive with nobody waiting.
  #changed: Deferred<void> | undefined
  #released = false
  #ended = false

  /** @param budget Pays for what is held beyond {@link RING_BYTES}. */
  constructor(clock: Clock, budget: OutputBudget) {
    this.#clock = clock
    this.#budget = budget
  }

  /** Bytes of memory that the held output takes. */
  get size(): number {
    return this.#ring.size
  }

  /** Offset of the oldest byte that is held. */
  get start(): number {
    return this.#ring.start
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#ring.end
  }

  /** No more output will come. */
  get hasEnded(): boolean {
    return this.#ended
  }

  /** The bytes from one offset up to another, of one stream; undefined when they are not held (any more). */
  read(from: number, to: number): Buffer | undefined {
    if (from < this.#ring.start) return undefined
    const data = this.#ring.read(from, to - from)?.data
    return data?.length === to - from ? data : undefined
  }

  /** The channel exists now; it may have to wait for its driver at once. */
  connect(faucet: Faucet): void {
    this.#faucet = faucet
    if (this.#cancelStall) faucet.pause()
  }

  append(stream: OutputStream, chunk: Buffer): void {
    this.#ring.append(stream, chunk)
    this.#wakeReaders()
    if (this.#driver) this.#regulate()
  }

  /** No more output will come. */
  finish(): void {
    this.#ended = true
    // What is kept of a command that ended must not keep its channel and connection alive.
    this.#faucet = undefined
    this.#cancelStall?.()
    this.#cancelReturn?.()
    this.#wakeReaders()
  }

  /** Once, when it is over: what it keeps counts with what has ended. */
  leaveBudget(): void {
    this.#budget.giveBack(this.#ring.capacity - RING_BYTES)
  }

  /** Keeps the driver's place: until one comes, the channel waits as it does for one who does not read. */
  reserveDriver(): void {
    this.#reserved = this.openReader(0, 'driver')
  }

  /**
   * @param role `driver` only when there is none yet; otherwise the reader is a watcher.
   * @param carrier What may break on the way to a driver.
   */
  openReader(after: number, role: 'driver' | 'watcher', carrier?: OutputCarrier): OutputReader {
    const reader = new OutputReader(this, this.#ring, after)
    const isFree = !this.#driver || this.#driver === this.#reserved
    if (role === 'driver' && isFree && !this.#ended && !this.#released) {
      const isBack = this.#cancelReturn !== undefined
      this.#setDriver(reader)
      reader.travelBy(carrier)
      // How long the place was held for the first one is no fault of its own. More may arrive at once: for this one.
      if (!isBack) this.#letFlow()
      // Before more arrives than the ring can hold for it.
      this.#regulate()
    }
    return reader
  }

  /** A reader becomes the driver, or nobody is; who was it watches from now on. */
  promote(reader: OutputReader | undefined): void {
    if (this.#ended || this.#released || reader === this.#driver) return
    this.#setDriver(reader)
    // More may arrive at once: it counts for this one.
    this.#letFlow()
    this.#regulate()
  }

  /** Makes readers that wait look around. */
  rouse(): void {
    this.#wakeReaders()
  }

  /** From now on nobody may hold the channel: it is about to end. Who reads too slowly is told of a gap. */
  release(): void {
    this.#released = true
    this.#dismissDriver()
  }

  /** Readers tell how far they got, or that they are gone. */
  progressed(reader: OutputReader): void {
    if (reader === this.#driver) this.#regulate()
  }

  left(reader: OutputReader): void {
    if (reader !== this.#driver) return
    if (reader.mayComeBack && !this.#ended) this.#awaitReturn(reader)
    else this.#dismissDriver()
  }

  /** @param isDone Whether there is something to do for the reader; asked whenever readers are roused. */
  async waitUntil(isDone: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    while (!isDone()) {
      this.#changed ??= defer()
      const { promise } = this.#changed
      await (signal ? raceSignal(promise, signal) : promise)
    }
  }

  #wakeReaders(): void {
    this.#changed?.resolve()
    this.#changed = undefined
  }

  #regulate(): void {
    if (!this.#driver || this.#ended) return
    const { secured } = this.#driver
    const unread = this.#ring.end - secured
    const pieces = this.#ring.piecesAfter(secured)
    if (unread >= this.#ring.capacity - OVERSHOOT_BYTES) this.#widen(this.#driver)
    const { capacity } = this.#ring
    if (unread >= capacity - OVERSHOOT_BYTES || pieces >= PAUSE_AT_PIECES) this.#hold()
    else if (unread <= capacity / 4 && pieces <= RESUME_AT_PIECES) this.#letFlow()
  }

  // What is on the way is held as well.
  #widen({ isCarried }: OutputReader): void {
    const { capacity } = this.#ring
    if (isCarried && capacity < MAX_CARRIED_BYTES && this.#budget.take(capacity)) this.#ring.widen(capacity)
  }

  #hold(): void {
    if (this.#cancelStall) return
    this.#faucet?.pause()
    this.#cancelStall = this.#clock.setTimer(DRIVER_STALL_MS, () => this.#detachDriver())
  }

  #letFlow(): void {
    if (!this.#cancelStall) return
    this.#cancelStall()
    this.#cancelStall = undefined
    this.#faucet?.resume()
  }

  #detachDriver(): void {
    this.#driver?.detach()
    this.#dismissDriver()
    this.#wakeReaders()
  }

  // Until then the channel waits as for one who reads slowly, and no longer in all.
  #awaitReturn(reader: OutputReader): void {
    this.#reserved = reader
    this.#cancelReturn = this.#clock.setTimer(DRIVER_RETURN_MS, () => this.#dismissDriver())
  }

  #dismissDriver(): void {
    this.#setDriver(undefined)
    this.#letFlow()
  }

  #setDriver(reader: OutputReader | undefined): void {
    this.#cancelReturn?.()
    this.#cancelReturn = undefined
    this.#reserved = undefined
    this.#driver = reader
  }
}

export interface NextOptions {
  readonly signal?: AbortSignal | undefined
  /** Ends the waiting when the reader was roused and this holds. */
  readonly until?: (() => boolean) | undefined
}

/** One reader's place in the output. */
export class OutputReader {
  readonly #hub: OutputHub
  readonly #ring: OutputRing
  #offset: number
  #carrier: OutputCarrier | undefined
  #arrived: number
  #detached = false

  constructor(hub: OutputHub, ring: OutputRing, after: number) {
    this.#hub = hub
    this.#ring = ring
    this.#offset = after
    this.#arrived = after
  }

  /** It needs nothing from before this offset, whatever happens. */
  get secured(): number {
    return this.#carrier ? this.#arrived : this.#offset
  }

  /** After the newest byte that was handed out. */
  get offset(): number {
    return this.#offset
  }

  get isCarried(): boolean {
    return this.#carrier !== undefined
  }

  /** Its way broke. */
  get mayComeBack(): boolean {
    return this.#carrier?.broke === true
  }

  /** From now on what it read counts only when it has arrived, and it reads only what there is room for. */
  travelBy(carrier: OutputCarrier | undefined): void {
    this.#carrier = carrier
    carrier?.onArrived((offset) => {
      this.#arrived = offset
      this.#hub.progressed(this)
      if (carrier.room) this.#hub.rouse()
    })
  }

  /** It held the channel for too long; its next read says so. */
  detach(): void {
    this.#detached = true
  }

  /**
   * The next piece, waiting for it if need be; undefined when there is no more, or when `until` held.
   *
   * @throws KrownError READER_TOO_SLOW when this was the driver and held the channel for 60 s; the signal's reason.
   */
  async next({ signal, until }: NextOptions = {}): Promise<HubEvent | undefined> {
    await this.#hub.waitUntil(() => this.#canGoOn() || until?.() === true, signal)
    if (this.#detached) {
      throw new KrownError(
        'READER_TOO_SLOW',
        'the output was not read for 60 seconds; read on from this offset',
        {
          details: { offset: this.#offset },
        },
      )
    }
    return this.#takeGap() ?? this.#takeChunk()
  }

  close(): void {
    this.#hub.left(this)
  }

  #canGoOn(): boolean {
    if (this.#detached) return true
    return this.#hub.end > this.#offset ? this.#room > 0 : this.#hub.hasEnded
  }

  get #room(): number {
    return Math.min(MAX_CHUNK_BYTES, this.#carrier?.room?.() ?? MAX_CHUNK_BYTES)
  }

  #takeGap(): HubEvent | undefined {
    if (this.#offset >= this.#ring.start) return undefined
    const gap = { type: 'gap', fromOffset: this.#offset, toOffset: this.#ring.start } as const
    this.#offset = this.#ring.start
    return gap
  }

  #takeChunk(): HubEvent | undefined {
    const room = this.#room
    const chunk = room > 0 ? this.#ring.read(this.#offset, room) : undefined
    if (!chunk) return undefined
    this.#offset += chunk.data.length
    this.#hub.progressed(this)
    return { type: 'output', ...chunk }
  }
}
