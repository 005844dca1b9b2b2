import { Bell } from '../../base/bell.js'
import { BoundedEntries } from '../../base/bounded-entries.js'
import type { CommandSummary } from '../../model/command.js'
import type { CommandId, OrgId, SessionId, UserId } from '../../model/ids.js'
import type { Session } from '../../model/session.js'
import type {
  CommandFinishedEvent,
  CommandOutputPieceEvent,
  CommandStartedEvent,
  SessionStatusEvent,
} from '../../model/session-event.js'
import type { OutputHub } from '../output/output-hub.js'
import type { OutputStream } from '../output/output-ring.js'
import { cutCharacterBytes, encodeOutput } from '../output/output-text.js'

/** All but output and gaps. */
export type LifecycleEvent = SessionStatusEvent | CommandStartedEvent | CommandFinishedEvent

export interface LifecycleEntry {
  readonly seq: number
  /** Whose it is: the session's owner, or the command's. */
  readonly userId: UserId
  readonly event: LifecycleEvent
  readonly textLength: number
}

/** Bytes of one command's output. They stay where they are, in its ring, and are read when somebody asks. */
export interface OutputEntry {
  readonly seq: number
  readonly userId: UserId
  readonly commandId: CommandId
  readonly stream: OutputStream
  readonly from: number
  to: number
  readonly event?: undefined
  readonly textLength?: undefined
}

export type LogEntry = LifecycleEntry | OutputEntry

export interface SessionLogDeps {
  /** The output of a command that is running, or kept. */
  findOutput(commandId: CommandId): Pick<OutputHub, 'read'> | undefined
  /** Called for each entry that is not output. */
  publish(entry: LifecycleEntry): void
}

interface Printed {
  readonly id: CommandId
  readonly userId: UserId
  readonly stream: OutputStream
}

/** As JSON, in the worst case six characters for a byte, it stays below 64 KiB. */
const MAX_PIECE_BYTES = 8 * 1024
/** As much as the ring of one command holds. */
const MAX_SHARED = 16

/** The recent events of one session, numbered, for any number of readers: each is only a place in it. */
export class SessionLog {
  readonly bell = new Bell()
  readonly #deps: SessionLogDeps
  readonly #entries = new BoundedEntries<LogEntry>()
  /** The newest entry, while it is output that may still grow: nobody has seen it. */
  #tail: OutputEntry | undefined
  /** Pieces that were made for one reader and are likely to be asked for by the others. */
  #shared: CommandOutputPieceEvent[] = []
  #session: Session
  #seq = 0
  #readers = 0
  #ended = false

  constructor(session: Session, deps: SessionLogDeps) {
    this.#session = session
    this.#deps = deps
  }

  /** As of its last status. */
  get session(): Session {
    return this.#session
  }

  get orgId(): OrgId {
    return this.#session.orgId
  }

  get sessionId(): SessionId {
    return this.#session.id
  }

  /** Nothing will follow. */
  get ended(): boolean {
    return this.#ended
  }

  /** Estimated bytes of memory. */
  get size(): number {
    return 1_000 + this.#entries.size
  }

  /** Number of the newest entry dropped that was not output. */
  get lifecycleLostTo(): number {
    return this.#entries.lifecycleLostTo
  }

  status(session: Session): void {
    this.#session = session
    const event = { type: 'session_status', ...this.#nextNumber(), session } as const
    this.#appendEvent(session.userId, event, 0)
  }

  /** The last status. */
  end(session: Session): void {
    this.#ended = true
    this.status(session)
  }

  command(type: 'command_started' | 'command_finished', command: CommandSummary): void {
    const event = { type, ...this.#nextNumber(), command }
    this.#appendEvent(command.userId, event, command.command.length)
  }

  /** @param to Where the output of the command ends now: `bytes` of it are new. */
  output(printed: Printed, { to, bytes }: { to: number; bytes: number }): void {
    for (let from = to - bytes; from < to; ) from = this.#appendPiece(printed, from, to)
    this.bell.ring()
  }

  /** The place after everything so far. */
  position(): number {
    if (this.#tail) this.#closeTail(this.#tail)
    return this.#tail ? this.#tail.seq - 1 : this.#seq
  }

  /** The first entry after that number; undefined when there is none yet that is whole. */
  entryAfter(seq: number): LogEntry | undefined {
    const entry = this.#entries.after(seq)
    if (entry === undefined || entry !== this.#tail) return entry
    return this.#closeTail(this.#tail) ? entry : undefined
  }

  /** The bytes of an entry, if they are still held: the same object for all who read at about the same time. */
  readOutput({ seq, commandId, stream, from, to }: OutputEntry): CommandOutputPieceEvent | undefined {
    const shared = this.#shared.find((event) => event.seq === seq)
    if (shared) return shared
    const bytes = this.#deps.findOutput(commandId)?.read(from, to)
    if (!bytes) return undefined
    const { text: data, encoding } = encodeOutput(bytes)
    const event = {
      type: 'command_output',
      sessionId: this.sessionId,
      seq,
      commandId,
      stream,
      data,
      encoding,
      offset: from,
    } as const
    if (this.#readers > 1) this.#share(event)
    return event
  }

  entered(): void {
    this.#readers += 1
  }

  left(): void {
    this.#readers -= 1
    if (this.#readers <= 1) this.#shared = []
  }

  #share(event: CommandOutputPieceEvent): void {
    this.#shared.push(event)
    if (this.#shared.length > MAX_SHARED) this.#shared.shift()
  }

  #nextNumber(): { sessionId: SessionId; seq: number } {
    this.#endTail()
    this.#seq += 1
    return { sessionId: this.sessionId, seq: this.#seq }
  }

  #appendEvent(userId: UserId, event: LifecycleEvent, textLength: number): void {
    const entry = { seq: event.seq, userId, event, textLength }
    this.#entries.append(entry)
    this.#deps.publish(entry)
    this.bell.ring()
  }

  /** @returns Where the next piece begins. */
  #appendPiece(printed: Printed, from: number, to: number): number {
    const tail = this.#tailOf(printed)
    if (tail && from - tail.from < MAX_PIECE_BYTES) {
      tail.to = Math.min(to, tail.from + MAX_PIECE_BYTES)
      return tail.to
    }
    // A full one leaves what it cut of a character to the next.
    if (tail) this.#closeTail(tail)
    else this.#endTail()
    if (!this.#tail) this.#startTail(printed, from, from)
    return from
  }

  #tailOf({ id, stream }: Printed): OutputEntry | undefined {
    const tail = this.#tail
    return tail?.commandId === id && tail.stream === stream ? tail : undefined
  }

  #startTail({ id, userId, stream }: Printed, from: number, to: number): void {
    this.#seq += 1
    this.#tail = { seq: this.#seq, userId, commandId: id, stream, from, to }
    this.#entries.append(this.#tail)
  }

  /** Something else follows: what is left of a cut character stays a piece by itself. */
  #endTail(): void {
    if (this.#tail) this.#closeTail(this.#tail)
    this.#tail = undefined
  }

  /**
   * Makes it final, all but a cut character at its end, which becomes the beginning of the next piece.
   *
   * @returns False when it is nothing but a cut character, and so has to wait for more.
   */
  #closeTail(tail: OutputEntry): boolean {
    const { userId, commandId, stream, from, to } = tail
    const last = this.#deps.findOutput(commandId)?.read(Math.max(from, to - 3), to)
    const cut = last ? cutCharacterBytes(last) : 0
    if (cut === to - from) return false
    this.#tail = undefined
    tail.to = to - cut
    if (cut > 0) this.#startTail({ id: commandId, userId, stream }, tail.to, to)
    return true
  }
}
