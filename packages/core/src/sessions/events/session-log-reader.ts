import type { Bell } from '../../base/bell.js'
import type { SessionEvent, SessionGapEvent } from '../../model/session-event.js'
import type { Sees } from './event-visibility.js'
import type { LogEntry, OutputEntry, SessionLog } from './session-log.js'

/** One reader's place in the events of a session. It has to be closed. */
export class SessionLogReader {
  readonly #log: SessionLog
  readonly #output: boolean
  #seq: number

  /** @param options.after Undefined: from now on. */
  constructor(log: SessionLog, options: { after: number | undefined; output: boolean }) {
    this.#log = log
    this.#output = options.output
    const now = log.position()
    this.#seq = Math.min(options.after ?? now, now)
    log.entered()
  }

  get bell(): Bell {
    return this.#log.bell
  }

  get ended(): boolean {
    return this.#log.ended
  }

  /** The number of what was read last, or passed over. */
  get seq(): number {
    return this.#seq
  }

  /** The next event; undefined when there is none yet. */
  next(sees: Sees): SessionEvent | undefined {
    for (;;) {
      const entry = this.#log.entryAfter(this.#seq)
      const gap = this.#gapBefore(entry)
      if (gap || !entry) return gap
      this.#seq = entry.seq
      if (!sees(entry)) continue
      if (entry.event) return entry.event
      if (this.#output) return this.#log.readOutput(entry) ?? this.#lostOutput(entry)
    }
  }

  close(): void {
    this.#log.left()
  }

  /** Entries that were dropped before they were read. Who wants no output does not miss it. */
  #gapBefore(entry: LogEntry | undefined): SessionGapEvent | undefined {
    const lostTo = this.#output ? (entry?.seq ?? 0) - 1 : this.#log.lifecycleLostTo
    if (lostTo <= this.#seq) return undefined
    const fromSeq = this.#seq + 1
    this.#seq = lostTo
    return this.#gap(fromSeq)
  }

  /** Entries whose bytes are gone, as many as follow each other. */
  #lostOutput(first: OutputEntry): SessionGapEvent {
    let last = first
    for (;;) {
      const next = this.#log.entryAfter(this.#seq)
      if (!next || next.event || next.commandId !== first.commandId || next.seq !== this.#seq + 1) break
      if (this.#log.readOutput(next)) break
      this.#seq = next.seq
      last = next
    }
    const { commandId, from: fromOffset } = first
    return { ...this.#gap(first.seq), commandId, fromOffset, toOffset: last.to }
  }

  #gap(fromSeq: number): SessionGapEvent {
    return { type: 'gap', sessionId: this.#log.sessionId, seq: this.#seq, fromSeq, toSeq: this.#seq }
  }
}
