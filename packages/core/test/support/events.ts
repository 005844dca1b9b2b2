import type { SessionEvent } from '../../src/model/session-event.js'

/** Everything up to the end of the stream. */
export async function allEvents(events: AsyncIterable<SessionEvent>): Promise<SessionEvent[]> {
  const read: SessionEvent[] = []
  for await (const event of events) read.push(event)
  return read
}

/** Up to the first of that type, and with it; the stream can be read on. */
export async function eventsUntil(
  events: AsyncIterator<SessionEvent>,
  type: SessionEvent['type'],
): Promise<SessionEvent[]> {
  const read: SessionEvent[] = []
  for (let step = await events.next(); !step.done; step = await events.next()) {
    read.push(step.value)
    if (step.value.type === type) break
  }
  return read
}

/**
 * Follows the output of one command through the events of its session. Throws when something is missing without a gap
 * or comes twice; compares by hand, since it is asked a million times.
 */
export class OutputTally {
  #seq: number | undefined
  /** Where the output ends that was read or told to be lost. */
  end = 0
  read = 0
  gaps = 0
  #mayJump = false

  add(event: SessionEvent): void {
    const first = event.type === 'gap' ? event.fromSeq : event.seq
    if (this.#seq !== undefined && first !== this.#seq + 1) throw new Error(`${first} follows ${this.#seq}`)
    this.#seq = event.seq
    if (event.type === 'gap') this.#addGap(event.toOffset)
    if (event.type === 'command_output') this.#addBytes(event.offset, event.offset + bytesOf(event))
  }

  #addGap(toOffset: number | undefined): void {
    this.gaps += 1
    // A gap that does not say which bytes are lost: what follows does.
    if (toOffset === undefined) this.#mayJump = true
    else this.#moveTo(toOffset)
  }

  #addBytes(from: number, to: number): void {
    if (from < this.end || (from > this.end && !this.#mayJump)) {
      throw new Error(`byte ${from} follows ${this.end}`)
    }
    this.#mayJump = false
    this.read += to - from
    this.#moveTo(to)
  }

  #moveTo(end: number): void {
    if (end <= this.end) throw new Error(`${end} does not follow ${this.end}`)
    this.end = end
  }
}

/** Reads up to the first `command_finished`. */
export async function tallyCommand(
  events: AsyncIterable<SessionEvent>,
  tally = new OutputTally(),
): Promise<OutputTally> {
  for await (const event of events) {
    tally.add(event)
    if (event.type === 'command_finished') break
  }
  return tally
}

function bytesOf({ data, encoding }: Extract<SessionEvent, { type: 'command_output' }>): number {
  return Buffer.byteLength(data, encoding)
}
