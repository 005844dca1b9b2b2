import { translated } from '../errors/to-client-error.js'
import { toBase64, toBytes } from './bytes.js'

/** As base64 in JSON it stays below what a server takes in one request. */
const MAX_WRITE_BYTES = 128 * 1024

/** Input in requests: what goes to one place arrives in the order in which it was asked for, as one stream. */
export class InputOrder<Id> {
  readonly #under = new Map<Id, Promise<unknown>>()

  /** @param send Makes one request. */
  async write(
    id: Id,
    data: string | Uint8Array,
    send: (piece: { data: string; encoding: 'base64' }) => Promise<unknown>,
  ): Promise<void> {
    const bytes = toBytes(data)
    await this.inOrder(id, async () => {
      let from = 0
      do {
        const piece = bytes.subarray(from, from + MAX_WRITE_BYTES)
        await send({ data: toBase64(piece), encoding: 'base64' })
        from += piece.length
      } while (from < bytes.length)
    })
  }

  async inOrder(id: Id, work: () => Promise<unknown>): Promise<void> {
    // After one that failed as well: who does not wait for each does not want to be stopped by one.
    const done = (this.#under.get(id) ?? Promise.resolve()).then(work, work)
    this.#under.set(id, done)
    try {
      await translated(done)
    } finally {
      if (this.#under.get(id) === done) this.#under.delete(id)
    }
  }
}
