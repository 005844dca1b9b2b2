const TAKEN_TO_FORGET = 256

/** Items in order, with how much memory they take. */
export class SizedQueue<Item> {
  readonly #sizeOf: (item: Item) => number
  #items: Item[] = []
  #head = 0
  #bytes = 0
  #wake: (() => void) | undefined

  /** @param sizeOf Roughly, bytes. */
  constructor(sizeOf: (item: Item) => number) {
    this.#sizeOf = sizeOf
  }

  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#head === this.#items.length
  }

  push(item: Item): void {
    // Before it is queued: nobody else may meet what this throws.
    this.#bytes += this.#sizeOf(item)
    this.#items.push(item)
    this.wake()
  }

  take(): Item | undefined {
    const item = this.#items[this.#head++]
    if (item !== undefined) this.#bytes -= this.#sizeOf(item)
    if (this.#head >= TAKEN_TO_FORGET || this.isEmpty) this.#forgetTaken()
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  /** Resolves when something was queued, or at {@link wake}. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  wake(): void {
    this.#wake?.()
  }

  #forgetTaken(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
