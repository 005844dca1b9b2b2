import type { AccessRulesApi } from './access-rules-api.js'
import type { ApiToken, CreateApiTokenInput, NewApiToken } from './api-token.js'
import type { Channel, ChannelHandle, ShellOptions } from './channel.js'
import type { ChannelsApi } from './channels-api.js'
import type {
  Command,
  CommandOutputEvent,
  CommandQuery,
  CommandSummary,
  ExecOptions,
  ExecuteInput,
  StartCommandInput,
} from './command.js'
import type { CredentialsApi } from './credentials-api.js'
import type { HostKeysApi } from './host-keys-api.js'
import type { ApiTokenId, CommandId, LoginId, SessionId, UserId } from './ids.js'
import type { InvitesApi } from './invites-api.js'
import type { ChainVerification, JournalEntry, JournalFollowOptions, JournalQuery } from './journal.js'
import type { ChangePasswordInput, OwnLogin } from './login.js'
import type { OpenSessionInput } from './open-session.js'
import type { Page, PageQuery } from './page.js'
import type { RecordingsApi } from './recordings-api.js'
import type { Session, SessionQuery } from './session.js'
import type { SessionEvent, SessionEventsOptions } from './session-event.js'
import type { SystemInfo } from './system.js'
import type { TargetsApi } from './targets-api.js'
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
  /**
   * Sends standard input, text as UTF-8; resolves when the target's flow window took it.
   *
   * @throws KrownError `CONFLICT` when the command or its input has ended.
   */
  write(data: string | Uint8Array): Promise<void>
  /** End of file for the command. Closing twice is fine. @throws KrownError `CONFLICT` when it has ended. */
  closeStdin(): Promise<void>
  /** See `KrownClient.commands.cancel`. */
  cancel(): Promise<Command>
}

/** An open session with what is done on it. */
export interface SessionHandle extends AsyncDisposable {
  readonly id: SessionId
  /** The session as it was when it was opened. */
  readonly session: Session
  /** Runs a command and collects its output; errors as for `KrownClient.sessions.execute`. */
  exec(command: string, options?: ExecOptions): Promise<Command>
  /**
   * Runs a command and hands out its output as it arrives; reading slowly slows the command down, but not in a browser,
   * where output may be lost instead. With `stdinOpen` its input stays open for `write`.
   *
   * @throws KrownError as for `KrownClient.sessions.execute`; while it is iterated `READER_TOO_SLOW`.
   */
  stream(command: string, options?: ExecOptions & { stdinOpen?: boolean }): Promise<CommandStream>
  /** Opens a shell in a terminal and attaches to it as its driver; errors as for `exec`. */
  shell(options?: ShellOptions): Promise<ChannelHandle>
  /** What runs in it now. */
  channels(): Promise<Channel[]>
  /** Cancels what runs in it. Closing twice is fine. */
  close(): Promise<Session>
}

/** Waiting is given up when `signal` aborts, with the command as it is then; the command itself goes on. */
export interface WaitOptions {
  signal?: AbortSignal | undefined
}

/** How `commands.output` is read. */
export interface OutputOptions {
  /** Go on after this many bytes, both streams counted together. Default 0: all that is held. */
  after?: number | undefined
  /** Ends the reading: it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Everything a signed-in caller can do. `krown.as(actor)` implements it in process, `createKrownClient` of the
 * SDK over the network: a program moves from one to the other by changing one line.
 *
 * Every method may throw a KrownError: `UNAUTHENTICATED` when the actor's login ended, `FORBIDDEN` when its role
 * never has the right, `NOT_FOUND` for what is absent or not its own, `VALIDATION_FAILED`, `RATE_LIMITED`,
 * `UNAVAILABLE`, `DRAINING`; and `AUDIT_UNAVAILABLE` when the journal cannot be written: then nothing was done.
 */
export interface KrownClient {
  /** The caller's own account. */
  readonly auth: {
    /** The caller as a user. */
    me(): Promise<User>
    /**
     * Ends the login this caller came with; its tokens stop working within 5 seconds, and sessions stay open. Does
     * nothing for a caller that came without one.
     */
    logout(): Promise<void>
    /**
     * Ends every other login of this user.
     *
     * @throws KrownError `VALIDATION_FAILED` when the current password is not right or the new one not good enough;
     * `FORBIDDEN` for a caller without a password.
     */
    changePassword(input: ChangePasswordInput): Promise<void>
  }
  /** Where the caller is signed in. */
  readonly logins: {
    /** Only those that are still good. */
    list(query?: PageQuery): Promise<Page<OwnLogin>>
    /** Its tokens stop working within 5 seconds, and sessions stay open. Ending what has ended is fine. */
    end(id: LoginId): Promise<void>
  }
  /** SSH connections. */
  readonly sessions: {
    /**
     * Connects to a target of the inventory, or to any host; resolves when it is connected.
     *
     * @throws KrownError `TARGET_*` and `HOST_KEY_*`; `details.sessionId` names the row that is kept.
     * `NOT_FOUND` and `FORBIDDEN` for a target that no access rule names; `CONFLICT` when a jump host on the way has
     * no credential. `QUOTA_EXCEEDED` when as many are open as may be.
     */
    open(input: OpenSessionInput): Promise<SessionHandle>
    /** One session, open or not. */
    get(id: SessionId): Promise<Session>
    /** The caller's own, or the organization's for whoever may see it. */
    list(query?: SessionQuery): Promise<Page<Session>>
    /**
     * Cancels what runs in it, then disconnects. Closing what has ended is fine.
     *
     * @throws KrownError `CONFLICT` when another process of Krown holds it.
     */
    close(id: SessionId): Promise<Session>
    /**
     * Runs a command and answers when it ended, whatever its exit code, or after `waitMs`. Once a byte may have reached
     * the target it answers with a command; an error means that nothing ran.
     *
     * @throws KrownError `SESSION_NOT_CONNECTED`; `CONFLICT` when `commandId` belongs to another command;
     * `QUOTA_EXCEEDED` when too many wait; `PAYLOAD_TOO_LARGE`; `TARGET_CHANNEL_REFUSED`, `TARGET_TIMEOUT`.
     */
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
  /** What runs or ran in sessions. */
  readonly commands: {
    /** Answers as soon as the command was handed to the target; errors as for `sessions.execute`. */
    start(input: StartCommandInput): Promise<Command>
    /**
     * One command with the output that is held, ten minutes after its end at the latest; then `stdout` and `stderr`
     * are null. `waitMs`: waits that long for its end, 0 to 60,000; default 0.
     */
    get(id: CommandId, options?: WaitOptions & { waitMs?: number | undefined }): Promise<Command>
    /** Newest first, without output. */
    list(query?: CommandQuery): Promise<Page<CommandSummary>>
    /** TERM, then KILL after a grace; answers when the command ended. Cancelling what has ended is fine. */
    cancel(id: CommandId): Promise<Command>
    /** As `CommandStream.write`, for a command that was started with `stdinOpen`. */
    write(id: CommandId, data: string | Uint8Array): Promise<void>
    /** As `CommandStream.closeStdin`. */
    closeStdin(id: CommandId): Promise<void>
    /**
     * Output as it arrives, from the start or from `after` as far as it is still held; `finished` comes last. The first
     * reader of whoever started it slows the command down, others are told of gaps.
     *
     * @throws KrownError `READER_TOO_SLOW` for that first reader, after a minute without reading.
     */
    output(id: CommandId, options?: OutputOptions): AsyncIterable<CommandOutputEvent>
  }
  /** What runs in sessions right now, for who is at a terminal. */
  readonly channels: ChannelsApi
  /** What was recorded of sessions. */
  readonly recordings: RecordingsApi
  /** The people of the organization. */
  readonly users: {
    /** For admins and auditors. */
    list(query?: UserQuery): Promise<Page<User>>
    /** Anybody may read oneself. */
    get(id: UserId): Promise<User>
    /** For admins; an API token makes no admins. @throws KrownError `CONFLICT` when the name is taken. */
    create(input: CreateUserInput): Promise<User>
    /**
     * For admins; takes effect within 5 seconds. Nobody becomes an admin or auditor by an API token.
     *
     * @throws KrownError `CONFLICT` when no admin would be left.
     */
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
  /** Machines that are known by name. */
  readonly targets: TargetsApi
  /** Which host keys are trusted. */
  readonly hostKeys: HostKeysApi
  /** Stored secrets for targets; for admins. */
  readonly credentials: CredentialsApi
  /** The right to register, given by admins. */
  readonly invites: InvitesApi
  /** Who may do what on which targets; for admins and auditors. */
  readonly accessRules: AccessRulesApi
  /** What was done by whom; for admins and auditors. */
  readonly journal: {
    /** Newest first. */
    list(query?: JournalQuery): Promise<Page<JournalEntry>>
    /** Recomputes the organization's whole chain; a broken one is an answer, not an error. */
    verify(): Promise<ChainVerification>
    /** Every entry once, in order, as it is written: after `after`, or from now on. Ends only by its signal. */
    follow(options?: JournalFollowOptions): AsyncIterable<JournalEntry>
  }
  /** About this Krown itself. */
  readonly system: {
    /** Needs no right. */
    info(): Promise<SystemInfo>
  }
}
