import type { Clock } from '../../base/clock.js'
import { raceSignal } from '../../base/deadline.js'
import { type Deferred, defer } from '../../base/deferred.js'
import { KrownError } from '../../errors/krown-error.js'
import type { OutputChunk } from '../../model/krown-client.js'
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
const PAUSE_AT_UNREAD = RING_BYTES - 64 * 1024
const RESUME_AT_UNREAD = RING_BYTES / 4
const PAUSE_AT_PIECES = RING_PIECES / 2
const RESUME_AT_PIECES = RING_PIECES / 4
const MAX_CHUNK_BYTES = 32 * 1024

/** A driver that does not read for so long holds the target no longer. */
export const DRIVER_STALL_MS = 60_000

/**
 * Hands the output of one channel to its readers. The *driver*, who started the channel, loses nothing: it may
 * pause the channel. Everyone else is a *watcher* and is told of gaps. With no driver the channel flows freely.
 */
export class OutputHub {
  readonly #clock: Clock
  readonly #ring = new OutputRing()
  #faucet: Faucet | undefined
  #driver: OutputReader | undefined
  /** Stands in for a driver who is on the way. */
  #reserved: OutputReader | undefined
  #cancelStall: (() => void) | undefined
  // Made only while somebody waits: most chunks arrive with nobody waiting.
  #changed: Deferred<void> | undefined
  #released = false
  #ended = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Bytes of memory that the held output takes. */
  get size(): number {
    return this.#ring.size
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#ring.end
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
    this.#wakeReaders()
  }

  /** Keeps the driver's place: until one comes, the channel waits as it does for one who does not read. */
  reserveDriver(): void {
    this.#reserved = this.openReader(0, 'driver')
  }

  /** @param role `driver` only when there is none yet; otherwise the reader is a watcher. */
  openReader(after: number, role: 'driver' | 'watcher'): OutputReader {
    const reader = new OutputReader(this, this.#ring, after)
    const isFree = !this.#driver || this.#driver === this.#reserved
    if (role === 'driver' && isFree && !this.#ended && !this.#released) {
      // How long the place was held for it is no fault of its own.
      this.#letFlow()
      this.#driver = reader
      this.#reserved = undefined
      // Before more arrives than the ring can hold for it.
      this.#regulate()
    }
    return reader
  }

  /** From now on nobody may hold the channel: it is about to end. Who reads too slowly is told of a gap. */
  release(): void {
    this.#released = true
    this.#driver = undefined
    this.#letFlow()
  }

  /** Readers tell how far they got, or that they are gone. */
  progressed(reader: OutputReader): void {
    if (reader === this.#driver) this.#regulate()
  }

  left(reader: OutputReader): void {
    if (reader !== this.#driver) return
    this.#driver = undefined
    this.#letFlow()
  }

  async waitForMore(offset: number, signal: AbortSignal | undefined): Promise<void> {
    while (!this.#ended && this.#ring.end <= offset) {
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
    const { offset } = this.#driver
    const unread = this.#ring.end - offset
    const pieces = this.#ring.piecesAfter(offset)
    if (unread >= PAUSE_AT_UNREAD || pieces >= PAUSE_AT_PIECES) this.#hold()
    else if (unread <= RESUME_AT_UNREAD && pieces <= RESUME_AT_PIECES) this.#letFlow()
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
    this.#driver = undefined
    this.#letFlow()
    this.#wakeReaders()
  }
}

/** One reader's place in the output. */
export class OutputReader {
  readonly #hub: OutputHub
  readonly #ring: OutputRing
  #offset: number
  #detached = false

  constructor(hub: OutputHub, ring: OutputRing, after: number) {
    this.#hub = hub
    this.#ring = ring
    this.#offset = after
  }

  get offset(): number {
    return this.#offset
  }

  /** It held the channel for too long; its next read says so. */
  detach(): void {
    this.#detached = true
  }

  /**
   * The next piece, waiting for it if need be; undefined when there is no more.
   *
   * @throws KrownError READER_TOO_SLOW when this was the driver and held the channel for 60 s; the signal's reason.
   */
  async next(signal?: AbortSignal): Promise<HubEvent | undefined> {
    await this.#hub.waitForMore(this.#offset, signal)
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

  #takeGap(): HubEvent | undefined {
    if (this.#offset >= this.#ring.start) return undefined
    const gap = { type: 'gap', fromOffset: this.#offset, toOffset: this.#ring.start } as const
    this.#offset = this.#ring.start
    return gap
  }

  #takeChunk(): HubEvent | undefined {
    const chunk = this.#ring.read(this.#offset, MAX_CHUNK_BYTES)
    if (!chunk) return undefined
    this.#offset += chunk.data.length
    this.#hub.progressed(this)
    return { type: 'output', ...chunk }
  }
}
