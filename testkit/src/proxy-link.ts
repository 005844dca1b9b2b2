import { connect, type Socket } from 'node:net'
import type { Cut, Direction, FaultState, PatternCut } from './fault-state.js'
import { ProxyPump } from './proxy-pump.js'

/** One client connection, its connection to the target, and the faults between them. */
export class ProxyLink {
  readonly #state: FaultState
  readonly #client: Socket
  readonly #target: Socket
  readonly #pumps: Record<Direction, ProxyPump>
  /** The last bytes from the client: a pattern may arrive in two chunks. */
  #tail = Buffer.alloc(0)
  /** Set while the answer to a delivered pattern is to be lost. */
  #losing: (() => void) | undefined
  #ending = false

  constructor(state: FaultState, client: Socket) {
    this.#state = state
    this.#client = client
    this.#target = connect({ ...state.target, allowHalfOpen: true })
    this.#pumps = {
      'to-target': new ProxyPump(client, this.#target),
      'to-client': new ProxyPump(this.#target, client),
    }
    this.#wire(client, this.#target, 'to-target')
    this.#wire(this.#target, client, 'to-client')
  }

  destroy(): void {
    this.#ending = true
    this.#client.destroy()
    this.#target.destroy()
  }

  reset(): void {
    this.#ending = true
    this.#client.resetAndDestroy()
    this.#target.resetAndDestroy()
  }

  #wire(from: Socket, to: Socket, direction: Direction): void {
    const state = this.#state
    from.setNoDelay(true)
    from.on('data', (chunk) => this.#take(direction, chunk))
    from.on('end', () => {
      if (!state.swallowing && !this.#ending) this.#pumps[direction].end(state.latencyMs)
    })
    from.on('error', () => {
      if (!state.swallowing) to.resetAndDestroy()
    })
    from.once('close', () => {
      if (!state.swallowing) void this.#pumps[direction].flush().then(() => to.destroy())
    })
  }

  #take(direction: Direction, chunk: Buffer): void {
    if (this.#ending) return
    if (this.#state.swallowing) this.#state.counters.bytesSwallowed += chunk.length
    else if (direction === 'to-client' && this.#losing) this.#cut(this.#losing)
    else if (direction === 'to-target' && this.#completes(this.#state.cut, chunk))
      this.#cutAt(this.#state.cut, chunk)
    else this.#passUntilCut(direction, chunk)
  }

  /** Passes what the cut allows, then cuts. */
  #passUntilCut(direction: Direction, chunk: Buffer): void {
    const { cut } = this.#state
    const left = cut?.kind === 'bytes' && cut.direction === direction ? cut.bytes : Number.POSITIVE_INFINITY
    this.#pass(direction, chunk.subarray(0, left))
    if (cut?.kind === 'bytes' && cut.direction === direction) cut.bytes -= chunk.length
    if (left > chunk.length) return
    this.#ending = true
    this.#state.cut = undefined
    void this.#pumps[direction].flush().then(() => this.#cut(cut?.done))
  }

  #cutAt(cut: PatternCut, chunk: Buffer): void {
    this.#state.cut = undefined
    if (cut.delivered) {
      this.#losing = cut.done
      this.#pass('to-target', chunk)
    } else this.#cut(cut.done)
  }

  #pass(direction: Direction, chunk: Buffer): void {
    const { counters, latencyMs } = this.#state
    if (direction === 'to-target') counters.bytesToTarget += chunk.length
    else counters.bytesToClient += chunk.length
    this.#pumps[direction].send(chunk, latencyMs)
  }

  #completes(cut: Cut | undefined, chunk: Buffer): cut is PatternCut {
    const seen = Buffer.concat([this.#tail, chunk])
    const keep = cut?.kind === 'pattern' ? cut.pattern.length - 1 : 0
    this.#tail = seen.subarray(Math.max(0, seen.length - keep))
    return cut?.kind === 'pattern' && seen.includes(cut.pattern)
  }

  #cut(done: (() => void) | undefined): void {
    this.#state.counters.cuts++
    this.destroy()
    done?.()
  }
}
