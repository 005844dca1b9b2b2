/** A frame that can be read without the ones before it. */
export interface FramePlace {
  /** Of the frame, from 0. */
  readonly frame: number
  /** Byte of the file at which it begins. */
  readonly offset: number
  /** Time of the last record before it. */
  readonly sinceUs: number
}

type Entry = readonly [frame: number, offset: number, sinceUs: number]

const MAX_ENTRIES = 4_096

/** Where to begin to read for a moment, made while recording: of a long recording every so many frames. */
export class TimeIndex {
  #entries: Entry[] = []
  #every = 1

  static decode(data: Buffer): TimeIndex | undefined {
    const index = new TimeIndex()
    try {
      index.#entries = JSON.parse(data.toString('utf8'))
      return Array.isArray(index.#entries) ? index : undefined
    } catch {
      return undefined
    }
  }

  /** Called for each frame, in order. */
  add({ frame, offset, sinceUs }: FramePlace): void {
    if (frame % this.#every !== 0) return
    this.#entries.push([frame, offset, sinceUs])
    if (this.#entries.length < MAX_ENTRIES) return
    this.#every *= 2
    this.#entries = this.#entries.filter(([kept]) => kept % this.#every === 0)
  }

  /** The last place before which everything is older than that; undefined where that is the beginning. */
  find(timeUs: number): FramePlace | undefined {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle]?.[2] ?? 0) < timeUs) low = middle + 1
      else high = middle
    }
    const entry = this.#entries[low - 1]
    return entry && { frame: entry[0], offset: entry[1], sinceUs: entry[2] }
  }

  encode(): Buffer {
    return Buffer.from(JSON.stringify(this.#entries))
  }
}
