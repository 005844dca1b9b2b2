import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import type { Actor, CallOrigin } from '../../model/actor.js'
import type { UserId } from '../../model/ids.js'
import { unauthenticated } from '../unauthenticated.js'

interface IssuedTicket {
  readonly actor: Actor
  readonly use: string
  /** By the monotonic clock. */
  readonly endsAt: number
}

export interface Ticket {
  readonly text: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

const PREFIX = 'krn_tkt_'
const TTL_MS = 60_000
/** Of one user; more make the oldest worthless. */
const MAX_PER_USER = 100

/**
 * Leave to do one thing once, within a minute, as whoever asked for it: for links, which can bring no `Authorization`
 * header. Rights are looked at when it is used. They are known to this process only.
 */
export class Tickets {
  readonly #clock: Clock
  /** By the hash of their text, oldest first. */
  readonly #issued = new Map<string, IssuedTicket>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param use What it is good for; the same text is to be given when it is used. */
  issue(actor: Actor, use: string): Ticket {
    this.#forgetOld(actor.userId)
    const text = PREFIX + randomBytes(32).toString('base64url')
    this.#issued.set(hashOf(text), { actor, use, endsAt: this.#clock.monotonic() + TTL_MS })
    return { text, expiresAt: this.#clock.now() + TTL_MS }
  }

  /**
   * @returns Who asked for it, as coming from where it is used.
   * @throws KrownError UNAUTHENTICATED when it is not good (any more), or for something else; it is used up then too.
   */
  redeem(text: string, use: string, origin: CallOrigin): Actor {
    const hash = hashOf(text)
    const issued = this.#issued.get(hash)
    this.#issued.delete(hash)
    if (!issued || issued.use !== use || issued.endsAt <= this.#clock.monotonic()) throw unauthenticated()
    return { ...issued.actor, ...origin }
  }

  #forgetOld(userId: UserId): void {
    const now = this.#clock.monotonic()
    let room = MAX_PER_USER - 1
    for (const [hash, { actor, endsAt }] of [...this.#issued].reverse()) {
      const isOver = endsAt <= now
      if (isOver || (actor.userId === userId && room <= 0)) this.#issued.delete(hash)
      else if (actor.userId === userId) room -= 1
    }
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
