import { AnswerRoom, type AnswerRoomLimits } from './answer-room.js'
import { jsonBytes } from './json-bytes.js'
import { LargeBodies } from './large-bodies.js'
import { Turns } from './turns.js'

/** What waits for a target costs little meanwhile, and a user may have hundreds of commands. */
const WAITING = { atOnce: 1024, inLine: 1024 }
/** More at once would only take the database from others. */
const WORKING = { atOnce: 8, inLine: 256 }

/** What holds answers until it is over. */
export interface AnswerHolder {
  /** Aborts when they were taken; undefined where nobody tells, and where they are not counted therefore. */
  readonly over: AbortSignal | undefined
  /** A batch holds several. */
  heldBytes: number
}

/** Bounds what calls of signed-in users cost while they are under way, on every door. */
export class UnderWay {
  readonly largeBodies = new LargeBodies()
  readonly #room: AnswerRoom
  readonly #waiting = new Turns(WAITING)
  readonly #working = new Turns(WORKING)

  constructor(room?: AnswerRoomLimits) {
    this.#room = new AnswerRoom(room)
  }

  /**
   * Does `work` when it is the caller's turn.
   *
   * @param options.waits It waits for a target, and does nothing here meanwhile.
   * @throws KrownError RATE_LIMITED, UNAVAILABLE; then nothing was begun.
   */
  async run<T>(userId: string, work: () => Promise<T>, options: { waits: boolean }): Promise<T> {
    this.#room.requireRoom(userId)
    return (options.waits ? this.#waiting : this.#working).take(userId, work)
  }

  /**
   * The answer, when there is room for it. What was only read is refused otherwise; what was done is told in any case,
   * but without the output of a command, as if that had been too long to keep.
   *
   * @throws KrownError RATE_LIMITED, UNAVAILABLE
   */
  async admit(
    holder: AnswerHolder,
    answer: unknown,
    { userId, isRead }: { userId: string; isRead: boolean },
  ): Promise<unknown> {
    const { over } = holder
    if (!over || over.aborted) return answer
    const bytes = jsonBytes(answer)
    // What holds room already would wait for itself.
    const mayWait = holder.heldBytes === 0
    holder.heldBytes += bytes
    if (mayWait && (await this.#room.take(userId, bytes, over))) return answer
    if (isRead) this.#room.requireRoom(userId)
    const told = isRead || !mayWait ? answer : withoutOutput(answer)
    this.#room.takeAnyway(userId, jsonBytes(told), over)
    return told
  }
}

function withoutOutput(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('stdout' in answer)) return answer
  return { ...answer, stdout: '', stderr: '', stdoutTruncated: true, stderrTruncated: true }
}
