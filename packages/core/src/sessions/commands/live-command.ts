import { createHash, type Hash, hash } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import { defer } from '../../base/deferred.js'
import type { CommandResult } from '../../db/repositories/command.repository.js'
import type { Actor } from '../../model/actor.js'
import type { Command, CommandKind, CommandStatus, CommandSummary } from '../../model/command.js'
import type { CommandId, OrgId, RecordingId, SessionId, UserId } from '../../model/ids.js'
import type { TerminalSize } from '../../model/terminal.js'
import type { ChannelEnd, SshTerminal } from '../../ssh/connector.js'
import { ChannelSeats } from '../channels/channel-seats.js'
import type { OutputBudget } from '../output/output-budget.js'
import { OutputCollector } from '../output/output-collector.js'
import { OutputHub } from '../output/output-hub.js'
import type { OutputStream } from '../output/output-ring.js'

/** A command as it was asked for, checked and with every default filled in. */
export interface CommandRequest {
  readonly id: CommandId
  readonly sessionId: SessionId
  readonly kind: CommandKind
  /** Empty of a shell. */
  readonly command: string
  /** Null: it runs without one. */
  readonly terminal: SshTerminal | null
  readonly env: Readonly<Record<string, string>>
  /** Null: none was given. */
  readonly stdin: Buffer | null
  /** Standard input stays open for `write` after `stdin` was sent. */
  readonly stdinOpen: boolean
  readonly timeoutMs: number
  /** Of each stream; null keeps nothing and calls nothing truncated. */
  readonly maxOutputBytes: number | null
  /** Its starter reads the output as it arrives, and may hold the target back. */
  readonly driven: boolean
  /** Equal for a retry of the same request, and for nothing else. */
  readonly digest: string
}

/** Why a command is being ended before its time. */
export type TerminationCause = Extract<CommandStatus, 'timed_out' | 'cancelled' | 'interrupted'>

const JUST_STARTED = {
  status: 'running',
  exitCode: null,
  signal: null,
  errorCode: null,
  stdoutBytes: 0,
  stderrBytes: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
  killed: null,
  finishedAt: null,
  durationMs: null,
} as const satisfies Partial<CommandSummary>

/** What does not change from its intent on. */
type Beginning =
  | 'id'
  | 'sessionId'
  | 'userId'
  | 'kind'
  | 'command'
  | 'startedAt'
  | 'recordingId'
  | 'recordingOffsetMs'

/** The state of one command from the request to the result in the journal. */
export class LiveCommand {
  readonly request: CommandRequest
  readonly actor: Actor
  readonly hub: OutputHub
  readonly startedAt: number
  readonly #clock: Clock
  readonly #startedMonotonic: number
  readonly #stdout: StreamTally
  readonly #stderr: StreamTally
  readonly #ended = defer<void>()
  readonly #done = defer<void>()
  #status: CommandStatus = 'running'
  #end: ChannelEnd | undefined
  #errorCode: string | null = null
  #killed: CommandSummary['killed'] = null
  #finished: { at: number; durationMs: number } | undefined
  #inputFrom: Set<UserId> | undefined
  // Nobody attaches to most commands.
  #seats: ChannelSeats | undefined
  #terminal: SshTerminal | null
  #startedText: string | undefined
  #recording: { readonly id: RecordingId; readonly offsetMs: number } | undefined
  /** What nothing will change any more. */
  #lastSummary: CommandSummary | undefined

  constructor(parts: { clock: Clock; actor: Actor; request: CommandRequest; budget: OutputBudget }) {
    const { clock, actor, request, budget } = parts
    this.#clock = clock
    this.actor = actor
    this.request = request
    this.#terminal = request.terminal
    this.hub = new OutputHub(clock, budget)
    this.startedAt = clock.now()
    this.#startedMonotonic = clock.monotonic()
    this.#stdout = new StreamTally(request.maxOutputBytes, budget)
    this.#stderr = new StreamTally(request.maxOutputBytes, budget)
  }

  get id(): CommandId {
    return this.request.id
  }

  get orgId(): OrgId {
    return this.actor.orgId
  }

  get userId(): UserId {
    return this.actor.userId
  }

  get status(): CommandStatus {
    return this.#status
  }

  /** Who is at it. */
  get seats(): ChannelSeats {
    this.#seats ??= new ChannelSeats(this.hub, this.userId)
    return this.#seats
  }

  /** Resolves when the channel is gone, or never came. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Resolves when the result is in the journal, or is known to have to wait for it. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** Its terminal as it is now; null without one. */
  get terminal(): SshTerminal | null {
    return this.#terminal
  }

  resized(size: TerminalSize): void {
    if (!this.#terminal) return
    this.#terminal = { ...this.#terminal, ...size }
    this.seats.resized(size)
  }

  /** From before its intent is written. */
  recordedIn(recording: { readonly id: RecordingId; readonly offsetMs: number }): void {
    this.#recording = recording
  }

  get recordingId(): RecordingId | null {
    return this.#recording?.id ?? null
  }

  get recordingOffsetMs(): number | null {
    return this.#recording?.offsetMs ?? null
  }

  /** Bytes of memory that its output takes. */
  get outputBytes(): number {
    return this.#stdout.keptBytes + this.#stderr.keptBytes + this.hub.size
  }

  get hasEnded(): boolean {
    return this.#finished !== undefined
  }

  /** Whether somebody else than its starter sent input into it, so that each has one entry. */
  hasInputFrom(userId: UserId): boolean {
    return this.#inputFrom?.has(userId) ?? false
  }

  noteInputFrom(userId: UserId): void {
    this.#inputFrom ??= new Set()
    this.#inputFrom.add(userId)
  }

  receive(stream: OutputStream, chunk: Buffer): void {
    const tally = stream === 'stdout' ? this.#stdout : this.#stderr
    tally.append(chunk)
    this.hub.append(stream, chunk)
  }

  /** The channel is gone, or never came: the outcome is known from here on. */
  end(
    status: CommandStatus,
    outcome: { end?: ChannelEnd; errorCode?: string | null; killed?: CommandSummary['killed'] },
  ): void {
    if (this.#finished) return
    this.#status = status
    this.#end = outcome.end
    this.#errorCode = outcome.errorCode ?? null
    this.#killed = outcome.killed ?? null
    const durationMs = Math.round(this.#clock.monotonic() - this.#startedMonotonic)
    this.#finished = { at: this.startedAt + durationMs, durationMs }
    this.hub.finish()
    this.#ended.resolve()
  }

  /** Once, when it is over: what it keeps counts with what has ended. */
  leaveBudget(): void {
    this.hub.leaveBudget()
    this.#stdout.leaveBudget()
    this.#stderr.leaveBudget()
  }

  /** @param journaled False when the result could not be written yet; the answer then says so. */
  settle(journaled: boolean): void {
    if (!journaled) this.#errorCode = 'AUDIT_UNAVAILABLE'
    this.#lastSummary = this.#summarize()
    this.#done.resolve()
  }

  /** The result as its row has it. */
  toResult(): CommandResult {
    return {
      status: this.#status,
      exit_code: this.#end?.exitCode ?? null,
      signal: this.#end?.signal ?? null,
      error_code: this.#errorCode,
      stdout_bytes: this.#stdout.bytes,
      stderr_bytes: this.#stderr.bytes,
      stdout_truncated: this.#stdout.truncated ? 1 : 0,
      stderr_truncated: this.#stderr.truncated ? 1 : 0,
      stdout_sha256: this.#stdout.sha256(),
      stderr_sha256: this.#stderr.sha256(),
      killed: this.#killed,
      finished_at: this.#finished?.at ?? null,
      duration_ms: this.#finished?.durationMs ?? null,
    }
  }

  toSummary(): CommandSummary {
    return this.#lastSummary ?? this.#summarize()
  }

  /** As it was when its intent was written, whatever became of it since. */
  toStarted(): CommandSummary {
    return this.#withBeginning(JUST_STARTED)
  }

  // Written out: to spread one of the two would cost more than all the rest.
  #withBeginning(state: Omit<CommandSummary, Beginning>): CommandSummary {
    this.#startedText ??= new Date(this.startedAt).toISOString()
    return {
      id: this.request.id,
      sessionId: this.request.sessionId,
      userId: this.actor.userId,
      kind: this.request.kind,
      command: this.request.command,
      status: state.status,
      exitCode: state.exitCode,
      signal: state.signal,
      errorCode: state.errorCode,
      stdoutBytes: state.stdoutBytes,
      stderrBytes: state.stderrBytes,
      stdoutTruncated: state.stdoutTruncated,
      stderrTruncated: state.stderrTruncated,
      killed: state.killed,
      startedAt: this.#startedText,
      finishedAt: state.finishedAt,
      durationMs: state.durationMs,
      recordingId: this.recordingId,
      recordingOffsetMs: this.recordingOffsetMs,
    }
  }

  #summarize(): CommandSummary {
    return this.#withBeginning({
      status: this.#status,
      exitCode: this.#end?.exitCode ?? null,
      signal: this.#end?.signal ?? null,
      errorCode: this.#errorCode,
      stdoutBytes: this.#stdout.bytes,
      stderrBytes: this.#stderr.bytes,
      stdoutTruncated: this.#stdout.truncated,
      stderrTruncated: this.#stderr.truncated,
      killed: this.#killed,
      finishedAt: this.#finished ? new Date(this.#finished.at).toISOString() : null,
      durationMs: this.#finished?.durationMs ?? null,
    })
  }

  toCommand(): Command {
    const stdout = this.#stdout.toText()
    const stderr = this.#stderr.toText()
    return {
      stdout: stdout?.text ?? null,
      stderr: stderr?.text ?? null,
      stdoutEncoding: stdout?.encoding ?? 'utf8',
      stderrEncoding: stderr?.encoding ?? 'utf8',
      // Last: V8 copies an object into a literal at once, but adds to a copy one property after the other.
      ...this.toSummary(),
    }
  }
}

/** Counts, digests and, as far as asked for, keeps one output stream. */
class StreamTally {
  bytes = 0
  readonly #collector: OutputCollector | undefined
  /** The first chunk, as long as there is no other: most streams have one or none, and to hash that is quicker. */
  #only: Buffer | undefined
  #digest: Hash | undefined
  #sha256: string | null = null

  constructor(maxBytes: number | null, budget: OutputBudget) {
    this.#collector = maxBytes === null ? undefined : new OutputCollector(maxBytes, budget)
  }

  get truncated(): boolean {
    return this.#collector?.truncated ?? false
  }

  get keptBytes(): number {
    return this.#collector?.keptBytes ?? 0
  }

  append(chunk: Buffer): void {
    this.bytes += chunk.length
    this.#collector?.append(chunk)
    if (this.#digest) this.#digest.update(chunk)
    else if (this.#only) this.#digest = createHash('sha256').update(this.#only).update(chunk)
    this.#only = this.#digest ? undefined : chunk
  }

  /** Null for an empty stream. */
  sha256(): string | null {
    if (this.#digest) this.#sha256 = this.#digest.digest('hex')
    else if (this.#only) this.#sha256 = hash('sha256', this.#only, 'hex')
    this.#digest = undefined
    this.#only = undefined
    return this.#sha256
  }

  leaveBudget(): void {
    this.#collector?.leaveBudget()
  }

  toText() {
    return this.#collector?.toText()
  }
}
