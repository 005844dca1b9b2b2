import type { Clock } from '../../base/clock.js'
import { defer } from '../../base/deferred.js'
import { SemaphoreFullError } from '../../base/semaphore.js'
import { StopController, type StopSignal } from '../../base/stop-signal.js'
import { isKrownError, KrownError } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { UnitQuery } from '../../journal/unit-query.js'
import type { AccessVerb } from '../../model/access-rule.js'
import type { NodeId } from '../../model/ids.js'
import type { TerminalSize } from '../../model/terminal.js'
import type { ChannelEnd, ChannelSink, SshChannel, SshConnection } from '../../ssh/connector.js'
import type { SessionOnTarget } from '../../targets/access-rules/target-access.js'
import { ResizePacer, toTerminalSize } from '../channels/terminal-size.js'
import type { LiveSession, OpenCommand } from '../live-session.js'
import type { CommandRecording } from '../recordings/command-recording.js'
import type { SessionRecordings } from '../recordings/session-recordings.js'
import { commandFinished, commandStarted } from './command-entries.js'
import type { CommandStatements } from './command-statements.js'
import { execWithRoom } from './exec-with-room.js'
import type { CommandRequest, LiveCommand, TerminationCause } from './live-command.js'
import type { ResultJournal } from './result-journal.js'
import { terminate } from './terminate-command.js'

export interface CommandRunDeps {
  readonly statements: CommandStatements
  readonly journal: Journal
  readonly results: ResultJournal
  readonly clock: Clock
  readonly nodeId: NodeId
  /** Undefined when nothing is recorded. */
  readonly recordings: SessionRecordings | undefined
}

/**
 * Carries one command from the queue to its result in the journal:
 * wait for a channel slot → write the intent → start → read → write the result.
 */
export class CommandRun implements OpenCommand {
  readonly #deps: CommandRunDeps
  readonly #session: LiveSession
  readonly #command: LiveCommand
  readonly #queueing = new StopController()
  readonly #hurry = new StopController()
  readonly #admitted = defer<void>()
  #channel: SshChannel | undefined
  #releaseSlot: (() => void) | undefined
  #releaseChannel: (() => void) | undefined
  #cancelTimeout: (() => void) | undefined
  #wanted: { cause: TerminationCause; reason: KrownError | undefined } | undefined
  #cause: TerminationCause | undefined
  #reason: KrownError | undefined
  #inputClosed = false
  #resizes: ResizePacer | undefined
  #recording: CommandRecording | undefined
  #intent: 'none' | 'written' | 'in doubt' = 'none'

  constructor(deps: CommandRunDeps, session: LiveSession, command: LiveCommand) {
    this.#deps = deps
    this.#session = session
    this.#command = command
    // Whoever starts it hears of a refusal.
    this.#admitted.promise.catch(() => {})
  }

  get verb(): AccessVerb {
    return this.#command.request.kind
  }

  get onTarget(): SessionOnTarget | null {
    return this.#session.onTarget
  }

  get command(): LiveCommand {
    return this.#command
  }

  /** Resolves when it waits in line or its intent is durable; rejects as {@link start} does when it was refused. */
  get admitted(): Promise<void> {
    return this.#admitted.promise
  }

  /**
   * Resolves when the target accepted the command, or when it was cancelled before.
   *
   * @throws KrownError when nothing ran: QUOTA_EXCEEDED, SESSION_NOT_CONNECTED, AUDIT_UNAVAILABLE, TARGET_*.
   */
  async start(): Promise<void> {
    this.#session.commands.set(this.#command.id, this)
    try {
      if (this.#session.endReason) throw this.#session.endReason
      await this.#waitForSlot()
      await this.#beginRecording()
      await this.#writeIntent()
      this.#admitted.resolve()
      await this.#recording?.open()
      await this.#openChannel()
    } catch (error) {
      this.#admitted.reject(error)
      await this.#failToStart(error)
    }
  }

  async write(data: Uint8Array): Promise<void> {
    const channel = this.#requireChannel()
    if (this.#inputClosed) throw new KrownError('CONFLICT', 'standard input of the command is closed')
    this.#session.touch()
    this.#session.bytesIn += data.length
    this.#recording?.typed(data)
    await channel.write(data)
  }

  closeStdin(): void {
    const channel = this.#requireChannel()
    this.#inputClosed = true
    channel.endInput()
  }

  resize(size: TerminalSize): void {
    const channel = this.#requireChannel()
    if (!this.#command.terminal) throw new KrownError('CONFLICT', 'the command has no terminal')
    this.#resizes ??= new ResizePacer(this.#deps.clock, (next) => {
      channel.resize(next.columns, next.rows)
      this.#command.resized(next)
      this.#recording?.resized(next)
    })
    this.#resizes.resize(toTerminalSize(size))
  }

  signal(name: string): void {
    this.#requireChannel().signal(name)
  }

  async terminate(cause: TerminationCause, reason?: KrownError): Promise<void> {
    if (reason?.code === 'DRAINING') this.hurry()
    if (!this.#command.hasEnded) {
      this.#wanted ??= { cause, reason }
      if (!this.#channel) this.#queueing.abort(reason ?? new CancelledBeforeStart())
      // With the connection gone there is nothing to signal; the channel reports its end by itself.
      else if (!this.#session.connection.closedBecause) this.#beginKill(this.#channel, cause, reason)
    }
    await this.#command.done
  }

  hurry(): void {
    this.#hurry.abort(new Error('the process is about to end'))
    this.#command.hub.release()
  }

  #beginKill(channel: SshChannel, cause: TerminationCause, reason?: KrownError): void {
    if (this.#cause) return
    this.#cause = cause
    this.#reason = reason
    void this.#kill(channel)
  }

  async #waitForSlot(): Promise<void> {
    const { slots } = this.#session
    try {
      const ahead = slots.waiting
      const turn = slots.acquire(this.#queueing)
      if (slots.waiting > ahead) this.#admitted.resolve()
      this.#releaseSlot = await turn
    } catch (error) {
      if (!(error instanceof SemaphoreFullError)) throw error
      throw new KrownError('QUOTA_EXCEEDED', 'too many commands are waiting in this session', {
        details: { limit: slots.limit },
        retryAfterMs: 1_000,
      })
    }
  }

  async #beginRecording(): Promise<void> {
    this.#recording = await this.#deps.recordings?.begin(this.#session, this.#command)
    if (this.#recording) this.#command.recordedIn(this.#recording)
  }

  async #writeIntent(): Promise<void> {
    const { statements, journal } = this.#deps
    const { orgId } = this.#command
    const query = statements.insert(this.#intentRow())
    const entry = commandStarted(this.#command, this.#session)
    const write = (also: readonly UnitQuery[]) => journal.write(orgId, [...also, query], [entry])
    try {
      await (this.#recording ? this.#recording.store(write) : write([]))
      this.#intent = 'written'
      this.#session.log.command('command_started', this.#command.toStarted())
    } catch (error) {
      // A commit whose answer was lost may have taken place all the same.
      if (isKrownError(error)) this.#intent = 'in doubt'
      throw error
    }
  }

  #intentRow() {
    const { request } = this.#command
    return {
      id: request.id,
      org_id: this.#command.orgId,
      session_id: request.sessionId,
      user_id: this.#command.userId,
      node_id: this.#deps.nodeId,
      kind: request.kind,
      command: request.command,
      request_digest: request.digest,
      status: 'running' as const,
      stdout_bytes: 0,
      stderr_bytes: 0,
      stdout_truncated: 0 as const,
      stderr_truncated: 0 as const,
      started_at: this.#command.startedAt,
      recording_id: this.#command.recordingId,
      recording_offset_ms: this.#command.recordingOffsetMs,
    }
  }

  async #openChannel(): Promise<void> {
    this.#queueing.throwIfAborted()
    const session = this.#session
    const exec = () => this.#exec()
    const { channel, release } = await execWithRoom({
      clock: this.#deps.clock,
      session,
      signal: this.#queueing,
      exec,
    })
    this.#releaseChannel = release
    // It may be over before this line.
    if (this.#command.hasEnded) return release()
    this.#channel = channel
    this.#startTimeout()
    // It was asked to end while the target was starting it.
    if (this.#wanted) this.#beginKill(channel, this.#wanted.cause, this.#wanted.reason)
    this.#sendStdin()
  }

  #exec(): Promise<SshChannel> {
    const sink = {
      data: (stream: 'stdout' | 'stderr', chunk: Buffer) => this.#receive(stream, chunk),
      end: (end: ChannelEnd) => this.#endReported(end),
    }
    const { connection, starts, running } = this.#session
    return starts.start(async () => {
      const channel = await startProgram(connection, this.#command.request, { sink, signal: this.#queueing })
      running.push(this.#command)
      this.#connectOutput(channel)
      return channel
    })
  }

  /** Before the target can have printed anything. */
  #connectOutput(channel: SshChannel): void {
    const listener = {
      show: (stream: 'stdout' | 'stderr', chunk: Buffer) => this.#show(stream, chunk),
      // Nobody may see what is not recorded, so it must not go on.
      fail: (error: Error) => void this.terminate('interrupted', isKrownError(error) ? error : undefined),
    }
    this.#command.hub.connect(this.#recording?.connect(channel, listener) ?? channel)
  }

  #receive(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (this.#recording) this.#recording.receive(stream, chunk)
    else this.#show(stream, chunk)
  }

  #endReported(end: ChannelEnd): void {
    if (this.#recording) this.#recording.end(end, this.#deps.clock.now(), () => this.#ended(end))
    else this.#ended(end)
  }

  #show(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    // A target may go on sending after it was given up; what is journaled and digested is final.
    if (this.#command.hasEnded) return
    this.#session.bytesOut += chunk.length
    this.#session.touch()
    this.#command.receive(stream, chunk)
    const { id, userId, hub } = this.#command
    this.#session.log.output({ id, userId, stream }, { to: hub.end, bytes: chunk.length })
  }

  #startTimeout(): void {
    const { timeoutMs } = this.#command.request
    this.#cancelTimeout = this.#deps.clock.setTimer(timeoutMs, () => void this.terminate('timed_out'))
  }

  #sendStdin(): void {
    const { stdin, stdinOpen } = this.#command.request
    // The command may end without reading it all; that is its right.
    if (stdin && stdin.length > 0) this.write(stdin).catch(() => {})
    if (!stdinOpen) this.closeStdin()
  }

  #requireChannel(): SshChannel {
    if (!this.#channel || this.#command.hasEnded) throw notRunning()
    return this.#channel
  }

  async #kill(channel: SshChannel): Promise<void> {
    const { clock } = this.#deps
    await terminate({ clock, session: this.#session, command: this.#command, channel, hurry: this.#hurry })
    // The target did not report the end; what it runs now is unknown.
    if (!this.#command.hasEnded) this.#ended({ exitCode: null, signal: null, error: null })
  }

  #ended(end: ChannelEnd): void {
    if (this.#command.hasEnded) return
    const reported = end.exitCode !== null || end.signal !== null
    const lost = end.error?.code
    const killed = this.#cause ? (reported ? 'confirmed' : 'unconfirmed') : null
    this.#command.end(this.#cause ?? (lost ? 'interrupted' : 'completed'), {
      end,
      killed,
      errorCode: this.#reason?.code ?? lost ?? null,
    })
    this.#session.channelEnded(reported)
    this.#leave()
    void this.#writeResult()
  }

  /** Gives back what it held, before the result is written: the next command need not wait for that. */
  #leave(): void {
    this.#cancelTimeout?.()
    this.#resizes?.stop()
    this.#releaseChannel?.()
    this.#releaseSlot?.()
    this.#session.left(this.#command)
  }

  async #writeResult(): Promise<void> {
    const { statements, results } = this.#deps
    const { orgId, id } = this.#command
    const query = statements.finish({ orgId, id, ...this.#command.toResult() })
    const entry = commandFinished(this.#command)
    const onlyIfStored = this.#intent !== 'written' || this.#session.swept
    const [journaled] = await Promise.all([
      results.write({ orgId, queries: [query], entry, onlyIfStored }),
      this.#recording?.leave({ onlyIfStored }),
    ])
    this.#session.commands.delete(id)
    this.#command.settle(journaled)
    if (this.#intent === 'written') this.#session.log.command('command_finished', this.#command.toSummary())
  }

  /** Nothing ran; what was written about it gets its result. */
  async #failToStart(error: unknown): Promise<void> {
    if (error instanceof CancelledBeforeStart) return this.#endCancelled()
    this.#command.end('failed', { errorCode: isKrownError(error) ? error.code : 'INTERNAL' })
    this.#leave()
    const settled = this.#settle()
    // While the journal cannot be written, the caller does not wait for a second attempt.
    if (this.#intent === 'written') await settled
    throw error
  }

  /** A command that was cancelled in the queue has a row like any other. */
  async #endCancelled(): Promise<void> {
    this.#command.end('cancelled', {})
    this.#leave()
    if (this.#intent === 'none') await this.#writeIntent().catch(() => {})
    await this.#settle()
  }

  async #settle(): Promise<void> {
    if (this.#intent !== 'none') return this.#writeResult()
    await this.#recording?.leave({ onlyIfStored: true })
    this.#session.commands.delete(this.#command.id)
    this.#command.settle(true)
  }
}

function startProgram(
  connection: SshConnection,
  { kind, command, terminal, env }: CommandRequest,
  { sink, signal }: { sink: ChannelSink; signal: StopSignal },
): Promise<SshChannel> {
  if (!terminal) return connection.exec(command, sink, { signal })
  return kind === 'shell'
    ? connection.shell(terminal, sink, { env, signal })
    : connection.exec(command, sink, { terminal, signal })
}

/** Reason of the abort when the caller no longer wants a command that still waits. */
class CancelledBeforeStart extends Error {}

function notRunning(): KrownError {
  return new KrownError('CONFLICT', 'the command is not running (any more)')
}
