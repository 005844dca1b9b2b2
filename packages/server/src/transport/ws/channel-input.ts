import type { InProcessChannel } from '@krown/core'

/** So much may wait for the target. */
export const MAX_INPUT_BYTES = 1024 * 1024
const GO_ON_AT_BYTES = MAX_INPUT_BYTES / 2
/** A frame of one byte takes memory too. */
const FRAME_COST = 64
const TELL_EVERY_BYTES = 64 * 1024

interface Piece {
  readonly bytes: number
  send(): Promise<void>
}

export interface InputOutcomes {
  /** Everything before this was taken or refused. */
  taken(offset: number): void
  /** What ends there was refused, and nothing else. */
  refused(error: unknown, offset: number): void
}

/** What one client types, on its way to the target: in order, and as fast as the target takes it. */
export class ChannelInput {
  readonly #channel: InProcessChannel
  readonly #outcomes: InputOutcomes
  #waiting: Piece[] = []
  #waitingBytes = 0
  #done = 0
  #told = 0
  #isBusy = false
  #waitForRoom: (() => void)[] = []

  constructor(channel: InProcessChannel, outcomes: InputOutcomes) {
    this.#channel = channel
    this.#outcomes = outcomes
  }

  get isFull(): boolean {
    return this.#waitingBytes > MAX_INPUT_BYTES
  }

  push(data: Uint8Array): void {
    this.#queue({ bytes: data.length, send: () => this.#channel.write(data) })
  }

  /** End of file, behind what waits. */
  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      const send = async () => this.#channel.endInput().then(resolve, reject)
      this.#queue({ bytes: 0, send })
    })
  }

  /** Resolves when there is room again, or nobody wants it any more. */
  roomAgain(): Promise<void> {
    return new Promise((resolve) => {
      this.#waitForRoom.push(resolve)
      this.#lookForRoom()
    })
  }

  /** What waits still is not sent. */
  drop(): void {
    this.#waiting = []
    this.#waitingBytes = 0
    this.#lookForRoom()
  }

  #queue(piece: Piece): void {
    this.#waiting.push(piece)
    this.#waitingBytes += piece.bytes + FRAME_COST
    if (!this.#isBusy) void this.#send()
  }

  async #send(): Promise<void> {
    this.#isBusy = true
    for (let piece = this.#waiting.shift(); piece; piece = this.#waiting.shift()) {
      await this.#sendOne(piece)
      this.#waitingBytes = Math.max(0, this.#waitingBytes - piece.bytes - FRAME_COST)
      this.#lookForRoom()
    }
    this.#isBusy = false
  }

  async #sendOne({ bytes, send }: Piece): Promise<void> {
    try {
      await send()
      this.#done += bytes
      if (this.#waiting.length === 0 || this.#done - this.#told >= TELL_EVERY_BYTES) this.#tell()
    } catch (error) {
      this.#tell()
      this.#done += bytes
      this.#told = this.#done
      this.#outcomes.refused(error, this.#done)
    }
  }

  #tell(): void {
    if (this.#done === this.#told) return
    this.#told = this.#done
    this.#outcomes.taken(this.#done)
  }

  #lookForRoom(): void {
    if (this.#waitingBytes > GO_ON_AT_BYTES) return
    for (const goOn of this.#waitForRoom) goOn()
    this.#waitForRoom = []
  }
}
