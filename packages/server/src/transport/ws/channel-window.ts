import { type OutputCarrier, validationError } from '@krown/core'
import { z } from 'zod'

const MIN_WINDOW_BYTES = 4 * 1024
const MAX_WINDOW_BYTES = 1024 * 1024
const DEFAULT_WINDOW_BYTES = 256 * 1024

/** How much output may be on its way to a client of a channel. */
export const flowSchema = z.strictObject({
  windowBytes: z.int().min(MIN_WINDOW_BYTES).max(MAX_WINDOW_BYTES),
})

/** Output on its way to one client, which says what it took: at most the window is under way. */
export class ChannelWindow implements OutputCarrier {
  readonly #socket: { readonly wasCut: boolean }
  readonly #windowBytes: number
  #sent = 0
  #acknowledged = 0
  /** What was skipped is not under way. */
  #gaps: { readonly from: number; readonly to: number }[] = []
  #listener: (offset: number) => void = () => {}

  constructor(socket: { readonly wasCut: boolean }, windowBytes = DEFAULT_WINDOW_BYTES) {
    this.#socket = socket
    this.#windowBytes = windowBytes
  }

  /** Nothing is under way, and the first piece begins there. */
  begin(offset: number): void {
    this.#sent = offset
    this.#acknowledged = offset
  }

  get broke(): boolean {
    return this.#socket.wasCut
  }

  onArrived(listener: (offset: number) => void): void {
    this.#listener = listener
  }

  room(): number {
    const skipped = this.#gaps.reduce((sum, { from, to }) => sum + to - Math.max(from, this.#acknowledged), 0)
    return Math.max(0, this.#windowBytes - (this.#sent - this.#acknowledged - skipped))
  }

  /** A piece that ends there was sent. */
  sent(end: number): void {
    this.#sent = end
  }

  skipped(from: number, to: number): void {
    this.#gaps.push({ from, to })
    this.#sent = to
  }

  /**
   * The client has taken everything before this offset.
   *
   * @returns How many bytes more than before.
   * @throws KrownError VALIDATION_FAILED for what was not sent yet.
   */
  acknowledge(offset: number): number {
    if (offset > this.#sent) {
      throw validationError([{ path: 'offset', message: `must be at most ${this.#sent}: no more was sent` }])
    }
    const taken = offset - this.#acknowledged
    if (taken <= 0) return 0
    this.#acknowledged = offset
    this.#gaps = this.#gaps.filter(({ to }) => to > offset)
    this.#listener(offset)
    return taken
  }
}
