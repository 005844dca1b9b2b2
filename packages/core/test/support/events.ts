import type { CommandId } from '../../src/model/ids.js'
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

/** Where the output of one command ends that was read or told to be lost. */
class CommandTally {
  end = 0
  read = 0
  /** Bytes may be lost of which no gap tells: only what follows does. */
  mayJump = false

  add(from: number, to: number): void {
    if (from < this.end || (from > this.end && !this.mayJump))
      throw new Error(`byte ${from} follows ${this.end}`)
    this.mayJump = false
    this.read += to - from
    this.moveTo(to)
  }

  moveTo(end: number): void {
    if (end <= this.end) throw new Error(`${end} does not follow ${this.end}`)
    this.end = end
  }
}

/**
 * Follows the events of one session. Throws when something is missing without a gap or comes twice; compares by hand,
 * since it is asked a million times.
 */
export class SessionTally {
  readonly commands = new Map<CommandId, CommandTally>()
  gaps = 0
  #seq: number | undefined

  /** The number to go on after. */
  get seq(): number | undefined {
    return this.#seq
  }

  add(event: SessionEvent): void {
    const first = event.type === 'gap' ? event.fromSeq : event.seq
    if (this.#seq !== undefined && first !== this.#seq + 1) throw new Error(`${first} follows ${this.#seq}`)
    this.#seq = event.seq
    if (event.type === 'gap') this.#addGap(event)
    if (event.type !== 'command_output') return
    this.of(event.commandId).add(event.offset, event.offset + Buffer.byteLength(event.data, event.encoding))
  }

  of(id: CommandId): CommandTally {
    const known = this.commands.get(id)
    if (known) return known
    const tally = new CommandTally()
    tally.mayJump = this.gaps > 0
    this.commands.set(id, tally)
    return tally
  }

  #addGap({ commandId, toOffset }: Extract<SessionEvent, { type: 'gap' }>): void {
    this.gaps += 1
    if (commandId !== undefined && toOffset !== undefined) this.of(commandId).moveTo(toOffset)
    else for (const tally of this.commands.values()) tally.mayJump = true
  }
}

/** Reads up to the first `command_finished`, of the only command whose output comes until then. */
export async function tallyCommand(
  events: AsyncIterable<SessionEvent>,
  tally = new SessionTally(),
): Promise<{ end: number; read: number; gaps: number }> {
  for await (const event of events) {
    tally.add(event)
    if (event.type === 'command_finished') {
      const { end, read } = tally.of(event.command.id)
      return { end, read, gaps: tally.gaps }
    }
  }
  throw new Error('the stream ended before the command')
}
