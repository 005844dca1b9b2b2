import type { ChannelEvent, ChannelId } from '@krown/core'
import { encodeFrame, FRAME } from './channel-frames.js'

export type Output = Extract<ChannelEvent, { type: 'output' }>

/** Frames that are kept for others who read the same: watchers are no more than a little apart. */
const KEPT_FRAMES = 8

/** What frames call a channel, and the frames that go to several sockets. */
export class ChannelNumber {
  readonly value: number
  uses = 0
  #kept: { readonly of: Output; readonly frame: Buffer }[] = []

  constructor(value: number) {
    this.value = value
  }

  /** The same bytes for everybody who reads the same piece. */
  frameOf(output: Output): Buffer {
    const known = this.#kept.find(({ of }) => isSame(of, output))
    if (known) return known.frame
    const { offset, data, stream } = output
    const kind = stream === 'stdout' ? FRAME.output : FRAME.errorOutput
    const frame = encodeFrame(kind, { channel: this.value, offset, data })
    this.#keep(output, frame)
    return frame
  }

  #keep(of: Output, frame: Buffer): void {
    if (this.uses < 2) {
      this.#kept = []
      return
    }
    this.#kept.push({ of, frame })
    if (this.#kept.length > KEPT_FRAMES) this.#kept.shift()
  }
}

/**
 * Numbers of channels, the same on every socket, so that frames can be. Where one socket is attached to the same channel
 * twice, the second one has a number of its own.
 */
export class ChannelNumbers {
  readonly #shared = new Map<ChannelId, ChannelNumber>()
  #last = 0

  /** @param isTaken Whether the socket has a channel of that number. */
  take(id: ChannelId, isTaken: (number: number) => boolean): ChannelNumber {
    const known = this.#shared.get(id)
    const number = known && !isTaken(known.value) ? known : this.#next()
    if (!known) this.#shared.set(id, number)
    number.uses += 1
    return number
  }

  giveBack(id: ChannelId, number: ChannelNumber): void {
    number.uses -= 1
    if (number.uses === 0 && this.#shared.get(id) === number) this.#shared.delete(id)
  }

  #next(): ChannelNumber {
    // Four billion of them before the first comes again.
    this.#last = (this.#last % 0xffff_ffff) + 1
    return new ChannelNumber(this.#last)
  }
}

function isSame(a: Output, b: Output): boolean {
  return a.offset === b.offset && a.data.length === b.data.length && a.stream === b.stream
}
