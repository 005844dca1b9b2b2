import type { CommandSummary, SessionId } from '@krown/core'
import type { Print } from './prints.js'

export type Json = Record<string, unknown>

const HELD_BYTES = 128 * 1024
const PIECE_BYTES = 8 * 1024

/** What the clients were told: faults, and what an event of a number is, which must be the same for all. */
export class Verdict {
  readonly faults: string[] = []
  gaps = 0
  readonly #events = new Map<string, string>()

  fault(who: string, what: string): void {
    this.faults.push(`${who}: ${what}`)
  }

  sameForAll(who: string, number: string, event: string): void {
    const known = this.#events.get(number) ?? event
    this.#events.set(number, known)
    if (known !== event) this.fault(who, `${number} is ${event}, for another it is ${known}`)
  }
}

/** What one client was told about the output of one command. */
export class CommandAccount {
  readonly #print: Print
  readonly #fault: (what: string) => void
  #end = 0
  #finished = false

  constructor(print: Print, fault: (what: string) => void) {
    this.#print = print
    this.#fault = fault
  }

  output({ offset, data, encoding, stream }: Json): void {
    this.#follows(Number(offset))
    const bytes = Buffer.from(String(data), encoding as BufferEncoding)
    const { bytes: printed, stream: expected } = this.#print
    if (bytes.length === 0) this.#fault('an empty piece')
    if (stream !== (expected ?? stream)) this.#fault(`${stream} instead of ${expected}`)
    if (!bytes.equals(printed.subarray(this.#end, this.#end + bytes.length)))
      this.#fault(`wrong bytes from ${offset} on`)
    this.#end += bytes.length
  }

  /** Only what came before the newest bytes may be missing, up to the piece that they begin in. */
  gap({ fromOffset, toOffset }: Json): void {
    this.#follows(Number(fromOffset))
    const to = Number(toOffset)
    const { bytes, outlivesLog } = this.#print
    if (to <= this.#end) this.#fault(`a gap of nothing at ${fromOffset}`)
    if (!outlivesLog && to > bytes.length - HELD_BYTES + PIECE_BYTES)
      this.#fault(`a gap up to ${to}, which was held: it printed ${bytes.length}`)
    this.#end = to
  }

  /** Events are missing, and nobody knows which. */
  skipTo(offset: number): void {
    if (offset < this.#end) this.#fault(`${offset} after a gap, but ${this.#end} was reached`)
    this.#end = Math.max(this.#end, offset)
  }

  finish({ status, exitCode, stdoutBytes, stderrBytes }: CommandSummary): void {
    if (this.#finished) this.#fault('finished twice')
    this.#finished = true
    if (status !== 'completed' || exitCode !== 0) this.#fault(`${status} with exit code ${exitCode}`)
    if (stdoutBytes + stderrBytes !== this.#print.bytes.length) this.#fault('not all of it was counted')
    if (this.#end !== this.#print.bytes.length)
      this.#fault(`finished at ${this.#end} of ${this.#print.bytes.length}`)
  }

  get finished(): boolean {
    return this.#finished
  }

  #follows(offset: number): void {
    if (this.#finished) this.#fault('something after the end')
    if (offset !== this.#end) this.#fault(`${offset} follows ${this.#end}`)
  }
}

/** A session, and what its commands print. */
export interface Watched {
  readonly id: SessionId
  readonly commands: ReadonlyMap<string, Print>
}

/** What one client was told about one session. */
export class SessionAccount {
  readonly who: string
  readonly watched: Watched
  seq = 0
  ended = false
  readonly #verdict: Verdict
  readonly #commands = new Map<string, CommandAccount>()
  /** Whose next piece may begin later than the one before ended. */
  readonly #blind = new Set<CommandAccount>()

  constructor(who: string, watched: Watched, verdict: Verdict) {
    this.who = `${who}, session ${watched.id.slice(-4)}`
    this.watched = watched
    this.#verdict = verdict
  }

  hear(message: Json): void {
    const first = Number(message.type === 'gap' ? message.fromSeq : message.seq)
    if (first !== this.seq + 1) this.#fault(`${message.type} ${first} follows ${this.seq}`)
    if (message.type === 'gap' && message.seq !== message.toSeq) this.#fault('a gap that ends elsewhere')
    this.seq = Number(message.seq)
    if (message.type === 'command_output') this.#output(message)
    else if (message.type === 'gap') this.#gap(message)
    else this.#lifecycle(message)
  }

  /** Called when nothing more will come. */
  end(): void {
    this.ended = true
    const finished = [...this.#commands.values()].filter((command) => command.finished).length
    if (finished !== this.watched.commands.size) this.#fault(`${finished} commands finished`)
  }

  #lifecycle({ type, seq, command, session }: Json): void {
    const { id, command: line } = (command ?? {}) as CommandSummary
    const { status } = (session ?? {}) as Json
    this.#verdict.sameForAll(this.who, this.#number(seq), `${type} ${id ?? status}`)
    if (type === 'command_started') this.#start(id, line)
    if (type !== 'command_finished') return
    const account = this.#find(id)
    if (account && this.#blind.delete(account))
      account.skipTo(this.watched.commands.get(line)?.bytes.length ?? 0)
    account?.finish(command as CommandSummary)
  }

  #start(id: string, line: string): void {
    const print = this.watched.commands.get(line)
    if (!print || this.#commands.has(id)) this.#fault(`${line} started`)
    else this.#commands.set(id, new CommandAccount(print, (what) => this.#fault(`${line}: ${what}`)))
  }

  #output(message: Json): void {
    const { seq, commandId, offset, stream, data, encoding } = message
    const event = `${commandId} ${stream} ${offset} ${encoding} ${String(data).length}`
    this.#verdict.sameForAll(this.who, this.#number(seq), event)
    const command = this.#find(String(commandId))
    if (command && this.#blind.delete(command)) command.skipTo(Number(offset))
    command?.output(message)
  }

  #gap(message: Json): void {
    this.#verdict.gaps += 1
    if (message.commandId === undefined) {
      for (const command of this.#commands.values()) this.#blind.add(command)
      if (![...this.watched.commands.values()].some(({ outlivesLog }) => outlivesLog))
        this.#fault(`events ${message.fromSeq} to ${message.toSeq} are missing, and were held`)
      return
    }
    const command = this.#find(String(message.commandId))
    if (command && this.#blind.delete(command)) command.skipTo(Number(message.fromOffset))
    command?.gap(message)
  }

  #find(id: string): CommandAccount | undefined {
    const command = this.#commands.get(id)
    if (!command) this.#fault(`${id} did not start`)
    return command
  }

  #number(seq: unknown): string {
    return `${this.watched.id} ${seq}`
  }

  #fault(what: string): void {
    this.#verdict.fault(this.who, what)
  }
}
