import type { KrownErrorCode } from '../errors/catalog.js'
import { type ErrorDetails, isKrownError, KrownError } from '../errors/krown-error.js'

/** How far a connection had got; `details.phase` of the errors of `connect` and `exec`. */
export type SshPhase = 'queue' | 'resolve' | 'connect' | 'handshake' | 'auth' | 'channel' | 'session'

/** What ssh2, Node's sockets and its resolver put on their errors. */
interface LibraryError extends Error {
  /** `client-socket`, `handshake`, `protocol`, `client-authentication`; absent on what ssh2's parser throws. */
  readonly level?: string
  /** A name such as ECONNRESET, or the number of a disconnect message (RFC 4253 §11.1). */
  readonly code?: string | number
}

interface Rule {
  readonly phases: readonly SshPhase[]
  /** Every condition that is given must hold. */
  readonly when: {
    readonly level?: string
    readonly code?: RegExp
    readonly message?: RegExp
    readonly disconnect?: true
  }
  readonly code: KrownErrorCode
  /** `details.reason`: what a program can tell apart. */
  readonly reason?: string
  readonly message: string
}

const BEFORE_AUTH = ['handshake'] as const
const ON_THE_WIRE = ['handshake', 'auth', 'session'] as const

/**
 * The only way from a library's error to one of ours: the first rule that fits.
 *
 * Messages are constant. What the target sent (banners, disconnect texts) and what the resolver said never enter
 * them: a user could otherwise read any service of the inner network through the errors.
 */
const RULES: readonly Rule[] = [
  {
    phases: ['resolve'],
    when: { code: /^E?TIMEOUT$|^EAI_AGAIN$/ },
    code: 'TARGET_TIMEOUT',
    message: 'the name of the host could not be resolved in time',
  },
  {
    phases: ['resolve'],
    when: {},
    code: 'TARGET_UNREACHABLE',
    message: 'the name of the host cannot be resolved',
  },
  {
    phases: ['connect'],
    when: { code: /^ETIMEDOUT$/ },
    code: 'TARGET_TIMEOUT',
    message: 'the target did not accept a connection in time',
  },
  {
    phases: ['connect'],
    when: {},
    code: 'TARGET_UNREACHABLE',
    message: 'the target does not accept connections',
  },

  // A new key in a later key exchange of the same connection.
  {
    phases: ['session'],
    when: { message: /^Host denied/ },
    code: 'HOST_KEY_MISMATCH',
    message: 'the target changed its host key within the connection',
  },
  {
    phases: ['auth'],
    when: { level: 'client-authentication' },
    code: 'TARGET_AUTH_FAILED',
    reason: 'rejected',
    message: 'the target refused the credential',
  },
  // A target may answer a wrong credential by hanging up. Never a retryable code: retries lock accounts.
  {
    phases: ['auth'],
    when: { disconnect: true },
    code: 'TARGET_AUTH_FAILED',
    reason: 'disconnected',
    message: 'the target ended the connection during authentication',
  },
  {
    phases: ['auth'],
    when: { level: 'client-socket' },
    code: 'TARGET_AUTH_FAILED',
    reason: 'disconnected',
    message: 'the target ended the connection during authentication',
  },
  // PROTOCOL_ERROR, KEY_EXCHANGE_FAILED, MAC_ERROR, COMPRESSION_ERROR, PROTOCOL_VERSION_NOT_SUPPORTED.
  {
    phases: BEFORE_AUTH,
    when: { disconnect: true, code: /^[23568]$/ },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'disconnected',
    message: 'the target gave up the handshake',
  },
  {
    phases: BEFORE_AUTH,
    when: { disconnect: true },
    code: 'TARGET_UNREACHABLE',
    reason: 'disconnected',
    message: 'the target ended the connection before authentication',
  },
  {
    phases: BEFORE_AUTH,
    when: { level: 'client-socket' },
    code: 'TARGET_UNREACHABLE',
    reason: 'disconnected',
    message: 'the target ended the connection before authentication',
  },
  {
    phases: BEFORE_AUTH,
    when: { message: /^Connection lost before handshake/ },
    code: 'TARGET_UNREACHABLE',
    reason: 'disconnected',
    message: 'the target ended the connection before authentication',
  },
  {
    phases: BEFORE_AUTH,
    when: { message: /no matching/i },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'no_common_algorithm',
    message: 'the target offers only algorithms that are not allowed',
  },
  {
    phases: BEFORE_AUTH,
    when: { message: /identification string|^Header line|greeting lines|^Invalid header/ },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'not_ssh',
    message: 'the target does not speak SSH 2',
  },
  {
    phases: BEFORE_AUTH,
    when: { message: /signature/i },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'host_key_not_proved',
    message: 'the target did not prove that it owns its host key',
  },
  {
    phases: ['session'],
    when: { disconnect: true },
    code: 'SESSION_LOST',
    reason: 'disconnected',
    message: 'the target ended the connection',
  },
  {
    phases: ['session'],
    when: { level: 'client-socket' },
    code: 'SESSION_LOST',
    reason: 'connection_lost',
    message: 'the connection to the target was lost',
  },
  {
    phases: ON_THE_WIRE,
    when: {},
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'malformed',
    message: 'the target broke the SSH protocol',
  },
]

/**
 * Translates an error of ssh2, of a socket or of the resolver; the original stays as `cause`, for the log. One of ours,
 * which says that the jump host before the target is gone, stays what it is.
 */
export function mapLibraryError(phase: SshPhase, cause: unknown): KrownError {
  if (isKrownError(cause) && cause.code === 'SESSION_LOST') return cause
  const error: LibraryError = cause instanceof Error ? cause : new Error('not an error', { cause })
  const rule = RULES.find((candidate) => fits(candidate, phase, error))
  if (!rule) return new KrownError('INTERNAL', 'internal error', { cause })
  return new KrownError(rule.code, rule.message, { details: detailsOf(rule, phase, error), cause })
}

/** The connection ended without a word. */
export function mapClosed(phase: 'handshake' | 'auth' | 'session'): KrownError {
  return mapLibraryError(phase, closedByPeer())
}

/** What ssh2 would say. */
export function closedByPeer(): Error {
  return Object.assign(new Error('closed by the peer'), { level: 'client-socket' })
}

const DROPPED = 'dropped'

/** The target hung up before it identified itself. */
export function droppedEarly(cause: unknown): KrownError {
  return new KrownError(
    'TARGET_UNREACHABLE',
    'the target hung up before it identified itself as an SSH server',
    {
      details: { phase: 'handshake', reason: DROPPED },
      cause,
    },
  )
}

export function isDroppedEarly(error: unknown): boolean {
  return isKrownError(error) && error.details?.reason === DROPPED
}

const WAITING_FOR: Record<Exclude<SshPhase, 'session'>, string> = {
  queue: 'too many connections to the target are being opened',
  resolve: 'the name of the host could not be resolved in time',
  connect: 'the target did not accept a connection in time',
  handshake: 'the target did not finish the SSH handshake in time',
  auth: 'the target did not answer the authentication in time',
  channel: 'the target did not open a channel in time',
}

export function targetTimeout(phase: Exclude<SshPhase, 'session'>): KrownError {
  return new KrownError('TARGET_TIMEOUT', WAITING_FOR[phase], { details: { phase } })
}

export function protocolError(reason: string, message: string): KrownError {
  return new KrownError('TARGET_PROTOCOL_ERROR', message, { details: { reason } })
}

/** SESSION_LOST for a call that came too late; `because` is why the connection ended. */
export function sessionLost(because: KrownError | null, message = 'the connection is closed'): KrownError {
  if (because?.code === 'SESSION_LOST') return because
  return new KrownError('SESSION_LOST', message, { cause: because ?? undefined })
}

function fits({ phases, when }: Rule, phase: SshPhase, error: LibraryError): boolean {
  if (!phases.includes(phase)) return false
  if (when.disconnect && typeof error.code !== 'number') return false
  if (when.level !== undefined && when.level !== error.level) return false
  if (when.code && !when.code.test(String(error.code))) return false
  return !when.message || when.message.test(error.message)
}

function detailsOf(rule: Rule, phase: SshPhase, error: LibraryError): ErrorDetails {
  const details: Record<string, unknown> = phase === 'session' ? {} : { phase }
  if (rule.reason !== undefined) details.reason = rule.reason
  if (typeof error.code === 'number') details.disconnectReason = error.code
  return details
}
