import { type CommandSummary, isKrownError, type KrownClientErrorCode } from '@krown/sdk'

// `Record` over the closed union: when the server learns a new code, this does not compile until it has advice.
const ADVICE: Readonly<Record<KrownClientErrorCode, string>> = {
  UNAUTHENTICATED: 'Check user name and password, or sign in again.',
  FORBIDDEN: 'Your role does not allow it: ask an administrator.',
  NOT_FOUND: 'It may have ended, or belong to somebody else.',
  VALIDATION_FAILED: 'Correct the fields that are named.',
  METHOD_NOT_ALLOWED: 'This page and the server do not fit: reload it.',
  PAYLOAD_TOO_LARGE: 'Put long scripts in a file on the host and run that.',
  UNSUPPORTED_MEDIA_TYPE: 'This page and the server do not fit: reload it.',
  CONFLICT: 'Something changed meanwhile: look again, then repeat.',
  RATE_LIMITED: 'Wait a moment before the next attempt.',
  QUOTA_EXCEEDED: 'Close a session or let commands finish first.',
  READER_TOO_SLOW: 'The command goes on; part of its output is not shown.',
  SESSION_NOT_CONNECTED: 'Open another session.',
  SESSION_LOST: 'Look what state the host is in before you repeat anything.',
  TARGET_POLICY_DENIED: 'The outbound rules of the server forbid this host.',
  HOST_KEY_UNKNOWN: 'Compare the fingerprint with the host; an administrator can pin it.',
  HOST_KEY_MISMATCH: 'Find out whether the host was rebuilt. Do not go around it.',
  TARGET_AUTH_FAILED: 'Check the user name on the host, and the password or key.',
  TARGET_UNREACHABLE: 'Check host and port, and that the host is up.',
  TARGET_PROTOCOL_ERROR: 'What answers there is no usable SSH server: check the port.',
  TARGET_CHANNEL_REFUSED: 'The host refuses to run commands: check its SSH server.',
  TARGET_TIMEOUT: 'The host did not answer in time: try again.',
  AUDIT_UNAVAILABLE: 'Nothing was done, because it could not be journaled. Try again.',
  UNAVAILABLE: 'The server is not ready: try again.',
  DRAINING: 'The server restarts: try again in a moment.',
  INTERNAL: 'This is a bug of the server: its log has the request id.',
  CONNECTION_LOST: 'Check the network, and that the server runs.',
  UNKNOWN: 'The server is newer than this page: reload it.',
}

export interface Explanation {
  readonly code: string
  readonly message: string
  /** What to do about it. */
  readonly advice: string
}

export function explain(error: unknown): Explanation {
  if (!isKrownError(error)) return { code: 'BUG', message: String(error), advice: 'Reload the page.' }
  const fields = error.details?.fields
  const problems = Array.isArray(fields) ? fields.map(({ path, message }) => `${path} ${message}`) : []
  const message = problems.length > 0 ? problems.join('; ') : error.message
  return { code: error.rawCode, message, advice: ADVICE[error.code] }
}

/** For the `errorCode` of a command that ended. */
export function adviceAfter({ status }: CommandSummary, errorCode: string): string {
  // Whatever the code says of another attempt: this one has begun something.
  if (status === 'interrupted') return ADVICE.SESSION_LOST
  return ADVICE[Object.hasOwn(ADVICE, errorCode) ? (errorCode as KrownClientErrorCode) : 'UNKNOWN']
}
