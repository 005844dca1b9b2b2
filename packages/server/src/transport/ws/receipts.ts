import type { WebSocket } from 'ws'

interface Receipt {
  readonly number: number
  readonly arrived: () => void
}

/**
 * Learns what has arrived: a peer answers a ping, with the same text, when it has read everything before it; of several
 * it may answer the newest alone (RFC 6455 §5.5.3).
 */
export class Receipts {
  readonly #ws: WebSocket
  #awaited: Receipt[] = []
  #asked = 0
  #movedAt = 0

  constructor(ws: WebSocket) {
    this.#ws = ws
  }

  /** How long nothing of what is on its way arrived; 0 when all did. */
  get stalledMs(): number {
    return this.#awaited.length === 0 ? 0 : performance.now() - this.#movedAt
  }

  ask(arrived: () => void): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return
    if (this.#awaited.length === 0) this.lookAnew()
    this.#asked += 1
    this.#awaited.push({ number: this.#asked, arrived })
    this.#ws.ping(String(this.#asked))
  }

  /** @returns Whether this pong answers one of these pings. */
  take(pong: Buffer): boolean {
    const number = Number(pong.toString('latin1'))
    const answered = this.#awaited.filter((receipt) => receipt.number <= number)
    if (answered.at(-1)?.number !== number) return false
    this.#awaited = this.#awaited.slice(answered.length)
    this.lookAnew()
    for (const { arrived } of answered) arrived()
    return true
  }

  /** What came until now may not have been heard. */
  lookAnew(): void {
    this.#movedAt = performance.now()
  }
}
