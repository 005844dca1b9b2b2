import type { KrownClientErrorCode } from '@krown/sdk'

/** What to do next, for every code; `Record` makes a new one fail to compile until somebody thought about it. */
export const HINTS: Readonly<Record<KrownClientErrorCode, string | null>> = {
  UNAUTHENTICATED: 'sign in with "krown login"',
  FORBIDDEN: 'ask an administrator; "krown whoami" says which role you have',
  NOT_FOUND: 'check the id; what belongs to others is not shown either',
  VALIDATION_FAILED: null,
  METHOD_NOT_ALLOWED: 'this krown does not fit the server: install the version of the server',
  PAYLOAD_TOO_LARGE: 'send a long script through standard input',
  UNSUPPORTED_MEDIA_TYPE: 'something between here and the server changes requests',
  CONFLICT: 'it does not go with what is there: see the message, and list what there is with "ls"',
  RATE_LIMITED: 'wait, then try again',
  QUOTA_EXCEEDED: 'close a session ("krown sessions ls --status connected"), or let commands finish',
  READER_TOO_SLOW: 'read the output faster; the command itself goes on: "krown commands show"',
  SESSION_NOT_CONNECTED: 'open another session with "krown sessions open"',
  SESSION_LOST: 'look what state the target is in before you repeat anything',
  TARGET_POLICY_DENIED: 'the outbound rules of the server forbid it; its administrator can change them',
  HOST_KEY_UNKNOWN:
    'compare the presented key with the machine; an administrator pins it with "krown host-keys pin"',
  HOST_KEY_MISMATCH: 'find out whether the machine was rebuilt; if not, somebody may be in between',
  TARGET_AUTH_FAILED: 'check the user name, and the password or key',
  TARGET_UNREACHABLE: 'check host, port and network, as the server sees them',
  TARGET_PROTOCOL_ERROR: "check the port; update the target's SSH server",
  TARGET_CHANNEL_REFUSED: "check the target's MaxSessions, ForceCommand and shell",
  TARGET_TIMEOUT: 'try again later; nothing ran',
  AUDIT_UNAVAILABLE: 'the journal cannot be written, so nothing was done: try again later',
  UNAVAILABLE: 'try again later',
  DRAINING: 'the server restarts: try again',
  INTERNAL: 'this is a bug of the server: report it with the request id',
  CONNECTION_LOST: 'check that the server runs and that the URL is right (--url, KROWN_URL)',
  UNKNOWN: 'the server may be newer than this krown, or no Krown at all',
}
