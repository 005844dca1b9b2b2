import type { ApiToken, CreateApiTokenInput, NewApiToken } from './api-token.js'
import type {
  Command,
  CommandOutputEvent,
  CommandQuery,
  CommandSummary,
  ExecOptions,
  ExecuteInput,
  StartCommandInput,
} from './command.js'
import type { ApiTokenId, CommandId, SessionId, UserId } from './ids.js'
import type { ChainVerification, JournalEntry, JournalFollowOptions, JournalQuery } from './journal.js'
import type { ChangePasswordInput } from './login.js'
import type { Page, PageQuery } from './page.js'
import type { OpenSessionInput, Session, SessionQuery } from './session.js'
import type { SessionEvent, SessionEventsOptions } from './session-event.js'
import type { SystemInfo } from './system.js'
import type { CreateUserInput, UpdateUserInput, User, UserQuery } from './user.js'

/** One chunk of what a command printed. */
export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Uint8Array
  /** Position of the first byte, counted over both streams in the order of arrival. */
  readonly offset: number
}

/** A running command: iterate for its output, await `result` for how it ended. */
export interface CommandStream extends AsyncIterable<OutputChunk> {
  readonly commandId: CommandId
  /** Settles when the command ended; its output was in the chunks, so none is kept here. */
  readonly result: Promise<CommandSummary>
  /** Sends standard input; resolves when the target's flow window took it. */
  write(data: string | Uint8Array): Promise<void>
  closeStdin(): Promise<void>
  cancel(): Promise<Command>
}

/** An open session with what is done on it. */
export interface SessionHandle extends AsyncDisposable {
  readonly id: SessionId
  /** The session as it was when it was opened. */
  readonly session: Session
  /** Runs a command and collects its output. */
  exec(command: string, options?: ExecOptions): Promise<Command>
  /** Runs a command and hands out its output as it arrives; reading slowly slows the command down. */
  stream(command: string, options?: ExecOptions & { stdinOpen?: boolean }): Promise<CommandStream>
  /** Closing twice is fine. */
  close(): Promise<Session>
}

/** Waiting is given up when `signal` aborts, with the command as it is then; the command itself goes on. */
export interface WaitOptions {
  signal?: AbortSignal | undefined
}

/** Resumes after `after` bytes; yields `finished` last. */
export interface OutputOptions {
  after?: number | undefined
  signal?: AbortSignal | undefined
}

/**
 * Everything a signed-in caller can do. `krown.as(actor)` implements it in process, `createKrownClient` of the
 * SDK over the network: a program moves from one to the other by changing one line.
 *
 * Every method may throw a KrownError: `UNAUTHENTICATED` when the actor's login ended, `FORBIDDEN` when its role
 * never has the right, `NOT_FOUND` for what is absent or not its own, `VALIDATION_FAILED`, `RATE_LIMITED`,
 * `UNAVAILABLE`, `DRAINING`.
 */
export interface KrownClient {
  readonly auth: {
    me(): Promise<User>
    /** Ends the login this caller came with; its tokens stop working within 5 seconds. */
    logout(): Promise<void>
    /** Ends every other login of this user. */
    changePassword(input: ChangePasswordInput): Promise<void>
  }
  readonly sessions: {
    /** @throws KrownError `TARGET_*` and `HOST_KEY_*`; `details.sessionId` names the row that is kept. */
    open(input: OpenSessionInput): Promise<SessionHandle>
    get(id: SessionId): Promise<Session>
    list(query?: SessionQuery): Promise<Page<Session>>
    close(id: SessionId): Promise<Session>
    /** Once a byte may have reached the target it answers with a command; an error means that nothing ran. */
    execute(id: SessionId, input: ExecuteInput, options?: WaitOptions): Promise<Command>
    /**
     * What happens, as it happens: in one session, with output, or in all that the caller may see, without.
     *
     * Of one session, without `after`, it begins with a `session_status`: how it is now, and the number after which to
     * go on. It ends by itself after the last status of the session, whose events are held for ten minutes more. Whoever
     * reads slowly holds nothing up and is told of gaps.
     *
     * @throws KrownError `UNAVAILABLE` when another process holds the session.
     */
    events(options?: SessionEventsOptions): AsyncIterable<SessionEvent>
  }
  readonly commands: {
    /** Answers as soon as the command was handed to the target. */
    start(input: StartCommandInput): Promise<Command>
    get(id: CommandId, options?: WaitOptions & { waitMs?: number | undefined }): Promise<Command>
    list(query?: CommandQuery): Promise<Page<CommandSummary>>
    /** TERM, then KILL after a grace; answers when the command ended. Cancelling what has ended is fine. */
    cancel(id: CommandId): Promise<Command>
    write(id: CommandId, data: string | Uint8Array): Promise<void>
    closeStdin(id: CommandId): Promise<void>
    /** Output as it arrives, from the start or from `after` as far as it is still held. */
    output(id: CommandId, options?: OutputOptions): AsyncIterable<CommandOutputEvent>
  }
  readonly users: {
    list(query?: UserQuery): Promise<Page<User>>
    get(id: UserId): Promise<User>
    create(input: CreateUserInput): Promise<User>
    update(id: UserId, input: UpdateUserInput): Promise<User>
  }
  /** The API tokens of the caller itself, who must be signed in: a token manages no tokens. */
  readonly tokens: {
    /** The answer is the only place where the token's text is told. @throws KrownError `QUOTA_EXCEEDED` */
    create(input: CreateApiTokenInput): Promise<NewApiToken>
    /** Revoked and expired ones too. */
    list(query?: PageQuery): Promise<Page<ApiToken>>
    /** Stops working within 5 seconds; what it opened stays open. Revoking twice is fine. */
    revoke(id: ApiTokenId): Promise<ApiToken>
  }
  readonly journal: {
    list(query?: JournalQuery): Promise<Page<JournalEntry>>
    /** Recomputes the organization's whole chain. */
    verify(): Promise<ChainVerification>
    /** Every entry once, in order, as it is written: after `after`, or from now on. Ends only by its signal. */
    follow(options?: JournalFollowOptions): AsyncIterable<JournalEntry>
  }
  readonly system: {
    info(): Promise<SystemInfo>
  }
}
