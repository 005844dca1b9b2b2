import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { recordingUnavailable } from './recording-errors.js'
import type { RecordingStore } from './recording-store.js'

export interface RecordingSpaceDeps {
  readonly store: RecordingStore
  readonly clock: Clock
  readonly logger: Logger
  /** Nothing new begins with less on the disk, bytes. */
  readonly minFree: number
  /** Of all recordings together, bytes; 0 for as many as the disk takes. */
  readonly maxTotal: number
}

/** How old an answer of the disk may be. */
const FRESH_MS = 1_000
const NEARLY_FULL = 0.8

/** How much room there is for recordings: on the disk, and of what they may take. */
export class RecordingSpace {
  readonly #deps: RecordingSpaceDeps
  /** Of what is closed, as the database knew last. */
  #kept = 0
  /** Of what is recorded by this process. */
  #growing = 0
  #warned = false
  #checked: { at: number; enough: Promise<unknown> } | undefined

  constructor(deps: RecordingSpaceDeps) {
    this.#deps = deps
  }

  /** All recordings take as much as they may. */
  get isFull(): boolean {
    const { maxTotal } = this.#deps
    return maxTotal > 0 && this.#used >= maxTotal
  }

  get #used(): number {
    return this.#kept + this.#growing
  }

  /** What all that are closed take, as the database knows. */
  noteKept(bytes: number): void {
    this.#kept = bytes
    this.#warnWhenNearlyFull()
  }

  /** One that is recorded grows. */
  add(bytes: number): void {
    this.#growing += bytes
    this.#warnWhenNearlyFull()
  }

  /** One of so many bytes grows no more. */
  close(bytes: number): void {
    this.#growing -= bytes
    this.#kept += bytes
  }

  /** Something new wants to begin. @throws KrownError AUDIT_UNAVAILABLE when there is no room for its recording. */
  async require(): Promise<void> {
    if (this.isFull) throw recordingUnavailable()
    const now = this.#deps.clock.monotonic()
    if (!this.#checked || now - this.#checked.at >= FRESH_MS) {
      this.#checked = { at: now, enough: this.#shortage() }
    }
    const shortage = await this.#checked.enough
    if (shortage !== undefined) throw recordingUnavailable(shortage)
  }

  async #shortage(): Promise<unknown> {
    const { store, minFree } = this.#deps
    try {
      const free = await store.freeBytes()
      return free >= minFree
        ? undefined
        : new Error('the disk of the recordings is below recordings.min_free')
    } catch (error) {
      return error
    }
  }

  #warnWhenNearlyFull(): void {
    const { maxTotal, logger } = this.#deps
    const isNear = maxTotal > 0 && this.#used >= maxTotal * NEARLY_FULL
    if (isNear && !this.#warned)
      logger.warn({ usedBytes: this.#used, maxTotal }, 'recordings take 80 % of recordings.max_total')
    this.#warned = isNear
  }
}
