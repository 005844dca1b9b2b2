/** Enough for watchers that are a little apart; what is older is written anew. */
const MAX_BYTES = 1024 * 1024

/** Messages that go to several sockets, as JSON: written once for all who are sent the same object soon enough. */
export class SharedTexts {
  readonly #texts = new Map<object, Buffer>()
  #bytes = 0

  /** @param message Changes no more. */
  of(message: object): Buffer {
    const known = this.#texts.get(message)
    if (known) return known
    const text = Buffer.from(JSON.stringify(message))
    this.#texts.set(message, text)
    this.#bytes += text.length
    this.#forgetOldest()
    return text
  }

  #forgetOldest(): void {
    for (const [message, text] of this.#texts) {
      if (this.#bytes <= MAX_BYTES) return
      this.#texts.delete(message)
      this.#bytes -= text.length
    }
  }
}
