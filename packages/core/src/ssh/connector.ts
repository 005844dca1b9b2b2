import type { StopSignal } from '../base/stop-signal.js'
import type { KrownError } from '../errors/krown-error.js'

/** How to authenticate; exactly this is tried, nothing before it and nothing else after. */
export type SshAuth =
  /** Also answers keyboard-interactive prompts (RFC 4256) with the password. */
  | { method: 'password'; password: string }
  /** OpenSSH or PEM form, ed25519, ecdsa or rsa. */
  | { method: 'key'; privateKey: string; passphrase?: string | undefined }

export interface PresentedHostKey {
  /** Key type as on the wire, such as `ssh-ed25519`. */
  readonly algorithm: string
  /** `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string
  /** The public key blob (RFC 4253 §6.6). */
  readonly blob: Buffer
}

export interface ResolvedHost {
  readonly host: string
  readonly port: number
  /** Every address the name stands for; one of them is dialled, without resolving again. */
  readonly addresses: readonly string[]
}

/** An SSH server on the way, and how to log in to it. */
export interface SshLogin {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly auth: SshAuth
  /** Throws to refuse the host; no credential is sent before it resolves. A failure of any kind refuses. */
  verifyHostKey(key: PresentedHostKey): Promise<void>
  /** Also offer algorithms that are no longer safe, for one old device; default false. */
  readonly legacyAlgorithms?: boolean
  /**
   * Types of the keys that the host is known by, such as `ssh-ed25519`: of several it is asked to show one of these.
   * Default: whatever it prefers of what is offered.
   */
  readonly hostKeyTypes?: readonly string[]
  /**
   * Fingerprints of the keys that the host is known by, where it is not known of which type they are: while it shows
   * another, it is asked for a key of another type, by up to three connections. Default: it is dialled once.
   */
  readonly hostKeyFingerprints?: readonly string[]
}

/** A hop: an SSH server that only passes on what is meant for the next one. */
export interface JumpHost extends SshLogin {
  /** What errors call it: `details.hopName`. */
  readonly name: string
}

/** The way to a target that cannot be dialled from here. Each connection has its own; none is shared. */
export interface JumpRoute {
  /** The one that we dial first; at least one. */
  readonly hops: readonly JumpHost[]
  /**
   * Outbound policy for what a jump host connects to, the target included: throws to refuse. Names are resolved by
   * the jump host, so a name is all there is to judge. All are asked before the first packet is sent.
   */
  checkForward(host: string, port: number): void
}

export interface SshConnectRequest extends SshLogin {
  /**
   * Outbound policy for what is dialled from here, the first jump host or else the target: throws when one of the
   * addresses must not be reached. No packet is sent before.
   */
  checkAddresses(resolved: ResolvedHost): void
  /** Default: the target is dialled from here. */
  readonly via?: JumpRoute | undefined
  readonly signal?: AbortSignal | undefined
}

/** As far as the host key, and no further. */
export type SshProbeRequest = Omit<SshConnectRequest, 'username' | 'auth' | 'verifyHostKey'>

/** The one way to SSH. Everything that speaks the protocol is behind this interface. */
export interface SshConnector extends AsyncDisposable {
  /**
   * Dials, verifies the host key, authenticates.
   *
   * @throws KrownError TARGET_POLICY_DENIED, HOST_KEY_UNKNOWN, HOST_KEY_MISMATCH, TARGET_AUTH_FAILED,
   * TARGET_UNREACHABLE, TARGET_PROTOCOL_ERROR, TARGET_TIMEOUT (`details.phase` says where), VALIDATION_FAILED for
   * a private key that cannot be read, UNAVAILABLE when our own side (the verifier, the decryption of keys) is
   * too slow, or DRAINING; else what `checkAddresses`, `checkForward` or `verifyHostKey` threw, or the reason of the
   * signal. What went wrong at a jump host has its place from 1 in `details.hop`, its name in `details.hopName` and
   * both in the message; TARGET_CHANNEL_REFUSED (a jump host does not forward) always does.
   */
  connect(request: SshConnectRequest): Promise<SshConnection>
  /**
   * Asks the target for its host key and has it prove that it owns it; logs in to the jump hosts before it, but never
   * to the target.
   *
   * @throws KrownError as `connect`.
   */
  probeHostKey(request: SshProbeRequest): Promise<PresentedHostKey>
}

/** One TCP link and SSH transport (RFC 4253), and the connections to the jump hosts that carry it. */
export interface SshConnection {
  readonly hostKey: PresentedHostKey
  /**
   * Null while it is open; afterwards why it ended (`SESSION_LOST`, `TARGET_PROTOCOL_ERROR`, …); `details.hop` and
   * `details.hopName` when a jump host was lost.
   */
  readonly closedBecause: KrownError | null
  /** Resolves once, when it is gone and all that carried it, whoever ended it; never rejects. */
  readonly closed: Promise<KrownError>
  /**
   * Opens a session channel (RFC 4254 §6.5) and starts one command in it.
   *
   * Rejects only when nothing can have run: TARGET_CHANNEL_REFUSED (`details.reason` is the §5.1 number; absent
   * when the target refused the command itself), SESSION_LOST, TARGET_TIMEOUT, or the signal's reason before the
   * request was sent. Once it was sent, a target that does not answer it gives a channel whose end carries the error.
   *
   * The sink is not called before whoever awaits this has the channel.
   */
  exec(command: string, sink: ChannelSink, options?: ProgramOptions): Promise<SshChannel>
  /** As `exec`, with the login shell of the user in a terminal; all its output is `stdout`. */
  shell(
    terminal: SshTerminal,
    sink: ChannelSink,
    options?: Omit<ProgramOptions, 'terminal'>,
  ): Promise<SshChannel>
  /** Says goodbye and closes the socket; `reason` becomes `closedBecause`. */
  close(reason: KrownError): Promise<void>
}

/** A terminal on the target (RFC 4254 §6.2). */
export interface SshTerminal {
  /** Value of TERM, such as `xterm-256color`. */
  readonly term: string
  readonly columns: number
  readonly rows: number
}

export interface ProgramOptions {
  /** The program gets a terminal: one stream of output, and it ends with its channel. A target may refuse. */
  readonly terminal?: SshTerminal | undefined
  /** Environment variables; a target takes only those that its configuration names, and does not say which. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Gives up while nothing can have run. */
  readonly signal?: StopSignal | undefined
}

/** Receives what the target sends in one channel. It must not throw: that breaks the connection (INTERNAL). */
export interface ChannelSink {
  /** In the order of arrival; the buffer belongs to the callee. */
  data(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /**
   * Once, after the last data and after both end-of-files, or when the connection is lost; while the channel is
   * paused, both wait for `resume`.
   */
  end(result: ChannelEnd): void
}

/** At most one of exitCode and signal is set; neither when the target did not say or the connection was lost. */
export interface ChannelEnd {
  readonly exitCode: number | null
  /** RFC 4254 §6.10 name without SIG. */
  readonly signal: string | null
  /** Set when the connection ended before the channel did, or TARGET_TIMEOUT when the request was never answered. */
  readonly error: KrownError | null
}

/** One session channel with a program running in it. */
export interface SshChannel {
  /** Stops reading; the flow window (RFC 4254 §5.2) then stops the target. Both streams share it. */
  pause(): void
  resume(): void
  /** Resolves when flow window and socket took the bytes; rejects with SESSION_LOST when the channel is gone. */
  write(data: Uint8Array): Promise<void>
  /** End of file on standard input. Signals sent after it still go out. */
  endInput(): void
  /** RFC 4254 §6.9; targets may ignore it, and OpenSSH does for root. `name` without SIG. */
  signal(name: string): void
  /** New size of its terminal (RFC 4254 §6.7). */
  resize(columns: number, rows: number): void
  /** Closes the channel; a program without a terminal may go on running. */
  close(): void
}
