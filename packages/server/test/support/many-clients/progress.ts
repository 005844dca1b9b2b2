/** How far all commands together are; who is away comes back when they have printed so much. */
export class Progress {
  readonly total: number
  #bytes = 0
  #waiting: { at: number; resolve: () => void }[] = []

  constructor(total: number) {
    this.total = total
  }

  add(bytes: number): void {
    this.#bytes += bytes
    for (const { resolve } of this.#waiting.filter(({ at }) => at <= this.#bytes)) resolve()
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#bytes)
  }

  /** @param fraction Of everything. */
  async further(fraction: number): Promise<void> {
    const at = Math.min(this.total, this.#bytes + fraction * this.total)
    if (at > this.#bytes) await new Promise<void>((resolve) => this.#waiting.push({ at, resolve }))
  }
}
