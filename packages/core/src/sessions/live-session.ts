import type { Clock } from '../base/clock.js'
import { Semaphore } from '../base/semaphore.js'
import type { KrownError } from '../errors/krown-error.js'
import type { AccessVerb } from '../model/access-rule.js'
import type { Actor } from '../model/actor.js'
import type { CommandId, OrgId, SessionId, TargetId, UserId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import type { TerminalSize } from '../model/terminal.js'
import type { SshConnection } from '../ssh/connector.js'
import type { SessionOnTarget } from '../targets/access-rules/target-access.js'
import { GroupKiller } from './commands/group-killer.js'
import type { LiveCommand, TerminationCause } from './commands/live-command.js'
import { StartGate } from './commands/start-gate.js'
import type { SessionLog } from './events/session-log.js'

/** Commands that may wait for a channel of one session. */
const MAX_WAITING = 64

/** A command of a session, from its request until its result is settled. */
export interface OpenCommand {
  readonly command: LiveCommand
  /** Where it runs; null for an ad hoc host. */
  readonly onTarget: SessionOnTarget | null
  /** What access rules have to allow as long as it runs. */
  readonly verb: AccessVerb
  /**
   * Ends it and resolves when its result is settled; of several causes the first counts.
   *
   * @param reason Why, where it is not the caller's wish: its code becomes the command's `errorCode`, and a command
   * that still waits is refused with it.
   */
  terminate(cause: TerminationCause, reason?: KrownError): Promise<void>
  /** Whatever it is waiting for in order to end, it has to end now. */
  hurry(): void
  write(data: Uint8Array): Promise<void>
  closeStdin(): void
  /** @throws KrownError CONFLICT when it has no terminal, or does not run. */
  resize(size: TerminalSize): void
  signal(name: string): void
}

/** A session whose connection this process holds. */
export class LiveSession {
  /** Who opened it: what it does in the background is done in this name. */
  readonly owner: Actor
  readonly connection: SshConnection
  /** What happens in it, for who follows it. */
  readonly log: SessionLog
  /** Admits commands, the others wait in a bounded line. */
  readonly slots: Semaphore
  /** What the target turned out to allow of them at once. */
  readonly channels: Semaphore
  readonly starts = new StartGate()
  readonly groups: GroupKiller
  /** Commands that are waiting, running or being finished. */
  readonly commands = new Map<CommandId, OpenCommand>()
  /** Those with a channel, in the order in which the target started them. */
  readonly running: LiveCommand[] = []
  readonly #clock: Clock
  readonly #opened: Session
  #endReason: KrownError | undefined
  #lastActivityAt: number
  #idleSince: number
  #mayRunMore = false
  #lastChannelEnd = Number.NEGATIVE_INFINITY
  bytesIn = 0
  bytesOut = 0
  /** Another process took this one for dead, and ended the rows of the session and of what ran in it. */
  swept = false

  constructor(parts: {
    clock: Clock
    owner: Actor
    session: Session
    connection: SshConnection
    log: SessionLog
    maxChannels: number
  }) {
    this.#clock = parts.clock
    this.#opened = parts.session
    this.owner = parts.owner
    this.connection = parts.connection
    this.log = parts.log
    this.slots = new Semaphore(parts.maxChannels, MAX_WAITING)
    this.channels = new Semaphore(parts.maxChannels)
    this.groups = new GroupKiller({ session: this, clock: parts.clock })
    this.#lastActivityAt = parts.clock.now()
    this.#idleSince = parts.clock.monotonic()
  }

  get id(): SessionId {
    return this.#opened.id
  }

  /** Null for an ad hoc host, of which no access rule says anything. */
  get onTarget(): SessionOnTarget | null {
    const { targetId, username } = this.#opened
    return targetId === null ? null : { targetId, username }
  }

  /** Null for an ad hoc host. */
  get targetId(): TargetId | null {
    return this.#opened.targetId
  }

  get orgId(): OrgId {
    return this.#opened.orgId
  }

  get userId(): UserId {
    return this.#opened.userId
  }

  /** As it is now; the row in the database lags behind. */
  get session(): Session {
    return {
      ...this.#opened,
      lastActivityAt: new Date(this.#lastActivityAt).toISOString(),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
    }
  }

  get lastActivityAt(): number {
    return this.#lastActivityAt
  }

  /** Set when the session starts to end: from then on nothing new begins in it. */
  get endReason(): KrownError | undefined {
    return this.#endReason
  }

  touch(): void {
    this.#lastActivityAt = this.#clock.now()
    this.#idleSince = this.#clock.monotonic()
  }

  /** The command has no channel any more. */
  left(command: LiveCommand): void {
    const index = this.running.indexOf(command)
    if (index >= 0) this.running.splice(index, 1)
    this.touch()
  }

  /** @param reported False when the target did not say how the command ended: it may run on. */
  channelEnded(reported: boolean): void {
    this.#lastChannelEnd = this.#clock.monotonic()
    if (!reported) this.#mayRunMore = true
  }

  /** The target may run commands of this connection that Krown has given up. */
  get mayRunMore(): boolean {
    return this.#mayRunMore
  }

  channelEndedWithin(ms: number): boolean {
    return this.#clock.monotonic() - this.#lastChannelEnd < ms
  }

  /** A session with an open command is not idle. */
  idleForMs(): number {
    return this.commands.size > 0 ? 0 : this.#clock.monotonic() - this.#idleSince
  }

  /** The first reason counts. */
  startEnding(reason: KrownError): void {
    this.#endReason ??= reason
  }
}
