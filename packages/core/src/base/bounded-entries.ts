const MAX_ENTRIES = 2_048
const SPARE_ENTRIES = MAX_ENTRIES / 8
/** Command texts that are held, in characters; one has up to 64 Ki. */
const MAX_TEXT = 512 * 1024

interface Numbered {
  readonly seq: number
  /** Characters of text that it holds; undefined for output, which holds none and is dropped first. */
  readonly textLength?: number | undefined
}

/** The newest entries of a log, found by their number. Output is dropped first, then the oldest of the rest. */
export class BoundedEntries<Entry extends Numbered> {
  #entries: Entry[] = []
  #text = 0
  #lifecycleLostTo = 0

  /** Number of the newest entry dropped that was not output; 0 for none. */
  get lifecycleLostTo(): number {
    return this.#lifecycleLostTo
  }

  /** Estimated bytes of memory. */
  get size(): number {
    return this.#entries.length * 200 + this.#text * 2
  }

  append(entry: Entry): void {
    this.#entries.push(entry)
    this.#text += entry.textLength ?? 0
    if (this.#entries.length > MAX_ENTRIES + SPARE_ENTRIES) this.#dropOutput()
    if (this.#text > MAX_TEXT) this.#dropText()
  }

  /** The first entry with a higher number. */
  after(seq: number): Entry | undefined {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle]?.seq ?? 0) <= seq) low = middle + 1
      else high = middle
    }
    return this.#entries[low]
  }

  // Many in one pass, which costs as much as there are entries.
  #dropOutput(): void {
    let excess = this.#entries.length - MAX_ENTRIES
    const isKept = ({ textLength }: Entry) => textLength !== undefined || excess-- <= 0
    this.#entries = this.#entries.filter(isKept)
    this.#dropOldest(Math.max(0, this.#entries.length - MAX_ENTRIES))
  }

  #dropText(): void {
    let text = this.#text
    let count = 0
    for (const { textLength = 0 } of this.#entries) {
      if (text <= MAX_TEXT) break
      text -= textLength
      count += 1
    }
    this.#dropOldest(count)
  }

  #dropOldest(count: number): void {
    for (const { seq, textLength } of this.#entries.splice(0, count)) {
      if (textLength === undefined) continue
      this.#text -= textLength
      this.#lifecycleLostTo = seq
    }
  }
}
