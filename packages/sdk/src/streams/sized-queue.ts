const TAKEN_TO_FORGET = 256

interface Entry<Item> {
  readonly item: Item
  readonly bytes: number
}

/** Items in order, with how much memory they take. */
export class SizedQueue<Item> {
  readonly #sizeOf: (item: Item) => number
  #entries: (Entry<Item> | undefined)[] = []
  #head = 0
  #bytes = 0
  #waiting: (() => void)[] = []

  /** @param sizeOf Roughly, bytes; asked once for each item. */
  constructor(sizeOf: (item: Item) => number) {
    this.#sizeOf = sizeOf
  }

  /** Of what is in it. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#head === this.#entries.length
  }

  push(item: Item): void {
    // Before it is queued: nobody else may meet what this throws.
    const bytes = this.#sizeOf(item)
    this.#bytes += bytes
    this.#entries.push({ item, bytes })
    this.wake()
  }

  /** Undefined when it is empty. */
  take(): Item | undefined {
    const entry = this.#entries[this.#head]
    if (!entry) return undefined
    // Else up to 255 items that were taken would be kept alive, and counted by nobody.
    this.#entries[this.#head] = undefined
    this.#head += 1
    this.#bytes -= entry.bytes
    if (this.#head >= TAKEN_TO_FORGET || this.isEmpty) this.#forgetTaken()
    return entry.item
  }

  clear(): void {
    this.#entries = []
    this.#head = 0
    this.#bytes = 0
  }

  /** Resolves when something was queued, or at {@link wake}; look then whether somebody else took it. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  wake(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #forgetTaken(): void {
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }
}
