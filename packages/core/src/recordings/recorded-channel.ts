import type { ChannelFinish } from './format/record.js'

/** What may hold the target back. */
export interface ChannelTap {
  pause(): void
  resume(): void
}

/** What becomes of the output of a channel. */
export interface ChannelListener {
  /** It may be shown: it was recorded, or is allowed to go by. */
  show(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /** It cannot be recorded, and must not go on without. Called once. */
  fail(error: Error): void
}

/** What a channel needs of the recorder. */
export interface ChannelRecorder {
  /** More waits to be written than should: the channel has to pause until it is told otherwise. */
  readonly isFull: boolean
  output(channel: RecordedChannel, stream: 'stdout' | 'stderr', chunk: Buffer): void
  note(channel: RecordedChannel, kind: 'input' | 'resize' | 'channel_end', data: Buffer): void
  left(channel: RecordedChannel): void
}

export interface Piece {
  readonly stream: 'stdout' | 'stderr'
  readonly chunk: Buffer
}

const MAX_INPUT_BYTES = 64 * 1024
/** Shown at once at most: who reads along takes it between two of them, and misses nothing for want of a turn. */
const BITE_BYTES = 48 * 1024
/** Written and not shown yet: beyond this the target pauses. */
const MAX_WAITING_BYTES = 256 * 1024

/**
 * The output of one channel on its way through the recorder: what was written is shown, in order, unless its readers
 * hold it back. Then it waits here, and the target too.
 */
export class RecordedChannel implements ChannelTap {
  /** From 1, in its recording. */
  readonly number: number
  readonly #recorder: ChannelRecorder
  readonly #listener: ChannelListener
  #tap: ChannelTap | undefined
  /** Bytes-holding pieces that the recorder has not written yet. */
  #unwritten = 0
  /** Written, and not shown yet: its readers hold it back, or it is too much for one turn. */
  #waiting: Piece[] = []
  #waitingBytes = 0
  /** The frame that was written last, and how much may be shown yet before others have their turn. */
  #turn = { frame: -1, bytes: 0 }
  #isNextTurnDue = false
  #heldByReaders = false
  #isFull = false
  #paused = false
  #failed = false
  #over = false
  #atEnd: (() => void) | undefined

  constructor(recorder: ChannelRecorder, number: number, listener: ChannelListener) {
    this.#recorder = recorder
    this.number = number
    this.#listener = listener
  }

  /** The channel exists now; it may have to pause at once. */
  connect(tap: ChannelTap): void {
    this.#tap = tap
    this.#regulate()
  }

  receive(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    // What cannot be recorded is thrown away until the target ends.
    if (this.#failed || this.#over || chunk.length === 0) return
    this.#unwritten += 1
    this.#recorder.output(this, stream, chunk)
    this.#isFull = this.#recorder.isFull
    this.#regulate()
  }

  typed(data: Uint8Array): void {
    if (this.#failed || this.#over) return
    const bytes = Buffer.from(data)
    for (let at = 0; at < bytes.length; at += MAX_INPUT_BYTES) {
      this.#recorder.note(this, 'input', bytes.subarray(at, at + MAX_INPUT_BYTES))
    }
  }

  resized(size: { columns: number; rows: number }): void {
    const { columns, rows } = size
    if (!this.#over) this.#recorder.note(this, 'resize', Buffer.from(JSON.stringify({ columns, rows })))
  }

  /** The target has ended; `then` is called once everything before was written and shown. */
  end(finish: ChannelFinish, then: () => void): void {
    this.#atEnd = () => {
      if (!this.#failed) this.#recorder.note(this, 'channel_end', Buffer.from(JSON.stringify(finish)))
      this.abandon()
      then()
    }
    this.#endWhenShown()
  }

  /** Nobody waits for its end any more, and nothing more of it is shown. */
  abandon(): void {
    if (this.#over) return
    this.#over = true
    this.#waiting = []
    this.#regulate()
    this.#recorder.left(this)
  }

  /** By who reads. */
  pause(): void {
    this.#heldByReaders = true
    this.#regulate()
  }

  /** What waits is shown with the next turn, as a channel itself would flow: never before this returns. */
  resume(): void {
    this.#heldByReaders = false
    if (this.#waiting.length > 0) this.#awaitNextTurn()
    this.#regulate()
  }

  /** By the recorder: written in that frame, or allowed to go by. */
  accept(piece: Piece, frame: number): void {
    this.#unwritten -= 1
    if (this.#failed || this.#over) return
    if (frame !== this.#turn.frame) this.#turn = { frame, bytes: BITE_BYTES }
    this.#waiting.push(piece)
    this.#waitingBytes += piece.chunk.length
    if (this.#turn.bytes > 0 && !this.#isNextTurnDue && !this.#heldByReaders) this.#showWaiting()
    this.#regulate()
  }

  /** By the recorder: it has room again. */
  relieve(): void {
    this.#isFull = false
    this.#regulate()
  }

  /** By the recorder: it cannot write. What it had not written is not shown. */
  fail(error: Error): void {
    if (this.#failed || this.#over) return
    this.#failed = true
    this.#isFull = false
    // What was written is shown yet, and the target must be able to say that it ended.
    this.#unwritten = 0
    this.#regulate()
    this.#listener.fail(error)
    this.#endWhenShown()
  }

  #showWaiting(): void {
    const waiting = this.#waiting
    let shown = 0
    // Whom it is shown to may hold it back again at any piece.
    while (shown < waiting.length && this.#turn.bytes > 0 && !this.#heldByReaders && !this.#over) {
      const piece = waiting[shown]
      shown += 1
      if (piece) this.#show(piece)
    }
    this.#waiting = this.#over ? [] : waiting.slice(shown)
    if (this.#turn.bytes <= 0) this.#awaitNextTurn()
    this.#endWhenShown()
  }

  #show({ stream, chunk }: Piece): void {
    this.#turn.bytes -= chunk.length
    this.#waitingBytes -= chunk.length
    this.#listener.show(stream, chunk)
  }

  #awaitNextTurn(): void {
    if (this.#isNextTurnDue) return
    this.#isNextTurnDue = true
    setImmediate(() => {
      this.#isNextTurnDue = false
      this.#turn.bytes = BITE_BYTES
      this.#showWaiting()
      this.#regulate()
    })
  }

  #endWhenShown(): void {
    if (this.#unwritten > 0 || this.#waiting.length > 0 || this.#over) return
    const atEnd = this.#atEnd
    this.#atEnd = undefined
    atEnd?.()
  }

  #regulate(): void {
    const isTooMuch = this.#isFull || this.#waitingBytes > MAX_WAITING_BYTES
    const wanted = !this.#over && (this.#heldByReaders || isTooMuch)
    if (!this.#tap || wanted === this.#paused) return
    this.#paused = wanted
    if (wanted) this.#tap.pause()
    else this.#tap.resume()
  }
}
