/** What went wrong, independent of transport; each door maps it to its own status. */
export type ErrorKind =
  | 'invalid_input'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'failed_precondition'
  | 'limit_exceeded'
  | 'timeout'
  | 'upstream'
  | 'unavailable'
  | 'internal'

interface CatalogEntry {
  readonly kind: ErrorKind
  /** One line for people; the message of a thrown error says what happened this time. */
  readonly title: string
  /** The same call may succeed later without anything being changed. */
  readonly retryable?: true
}

/** Every error code of Krown. A retired code is never reused. */
export const catalog = {
  // The caller and what it asked for
  UNAUTHENTICATED: { kind: 'unauthenticated', title: 'Not signed in' },
  FORBIDDEN: { kind: 'forbidden', title: 'Not allowed' },
  NOT_FOUND: { kind: 'not_found', title: 'Not found' },
  VALIDATION_FAILED: { kind: 'invalid_input', title: 'Invalid input' },
  METHOD_NOT_ALLOWED: { kind: 'invalid_input', title: 'Method not allowed' },
  PAYLOAD_TOO_LARGE: { kind: 'invalid_input', title: 'Payload too large' },
  UNSUPPORTED_MEDIA_TYPE: { kind: 'invalid_input', title: 'Unsupported media type' },
  CONFLICT: { kind: 'conflict', title: 'Conflict' },
  RATE_LIMITED: { kind: 'limit_exceeded', title: 'Too many requests', retryable: true },
  QUOTA_EXCEEDED: { kind: 'limit_exceeded', title: 'Limit reached' },
  READER_TOO_SLOW: { kind: 'limit_exceeded', title: 'Output read too slowly' },

  // Sessions and their targets
  SESSION_NOT_CONNECTED: { kind: 'conflict', title: 'Session not connected' },
  SESSION_LOST: { kind: 'not_found', title: 'Session lost' },
  TARGET_POLICY_DENIED: { kind: 'forbidden', title: 'Target not allowed' },
  HOST_KEY_UNKNOWN: { kind: 'failed_precondition', title: 'Host key unknown' },
  HOST_KEY_MISMATCH: { kind: 'failed_precondition', title: 'Host key does not match' },
  // Not `unauthenticated`: that is Krown's own caller, and clients retry 5xx until the account is locked.
  TARGET_AUTH_FAILED: { kind: 'failed_precondition', title: 'Target refused the credential' },
  TARGET_UNREACHABLE: { kind: 'upstream', title: 'Target unreachable', retryable: true },
  TARGET_PROTOCOL_ERROR: { kind: 'upstream', title: 'Target does not speak SSH correctly' },
  TARGET_CHANNEL_REFUSED: { kind: 'upstream', title: 'Target refused a channel', retryable: true },
  TARGET_TIMEOUT: { kind: 'timeout', title: 'Target timed out', retryable: true },

  // Krown itself
  AUDIT_UNAVAILABLE: { kind: 'unavailable', title: 'Journal unavailable', retryable: true },
  UNAVAILABLE: { kind: 'unavailable', title: 'Unavailable', retryable: true },
  DRAINING: { kind: 'unavailable', title: 'Shutting down', retryable: true },
  INTERNAL: { kind: 'internal', title: 'Internal error' },
} as const satisfies Record<string, CatalogEntry>

export type KrownErrorCode = keyof typeof catalog
