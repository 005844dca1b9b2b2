import { randomInt } from 'node:crypto'

/** Decides what is printed, who watches what, and who is cut when; how fast the machine is decides the rest. */
export const SEED = Number(process.env.MANY_CLIENTS_SEED ?? randomInt(2 ** 31))

/** The same numbers for the same seed (mulberry32). */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** 0 to `max`, both included. */
  upTo(max: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * (max + 1))
  }

  between(min: number, max: number): number {
    return min + this.upTo(max - min)
  }
}

export const diceOf = (index: number) => new Dice(SEED + Math.imul(index, 0x9e3779b9))
