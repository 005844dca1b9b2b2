const MAX_PAIRS = 50_000

/** From where accounts have signed in. Of one process, and bounded: what was used longest ago is forgotten first. */
export class KnownAddresses {
  readonly #pairs = new Set<string>()

  has(username: string, address: string): boolean {
    return this.#pairs.has(`${address} ${username}`)
  }

  add(username: string, address: string): void {
    const pair = `${address} ${username}`
    this.#pairs.delete(pair)
    for (const oldest of this.#pairs) {
      if (this.#pairs.size < MAX_PAIRS) break
      this.#pairs.delete(oldest)
    }
    this.#pairs.add(pair)
  }
}
