/** Bounds on what one WebSocket may do; times are milliseconds. */
export interface SocketSettings {
  /** From the upgrade to the first good token. */
  readonly authenticateWithinMs: number
  /** So long after its token ended a socket may still bring the next one. */
  readonly tokenGraceMs: number
  /** How often deadlines, rights and liveness are looked at. */
  readonly sweepEveryMs: number
  /** Silence after which a ping is sent. */
  readonly pingAfterMs: number
  /** Silence after that ping with which the peer is taken for gone. */
  readonly pongWithinMs: number
  /** Writers wait while more than this has not left, bytes. */
  readonly maxBufferedBytes: number
  /** A peer that takes nothing for so long is cut off. */
  readonly stallMs: number
  /** How long a peer has to answer a close. */
  readonly closeWithinMs: number
}

export const DEFAULT_SOCKET_SETTINGS: SocketSettings = {
  authenticateWithinMs: 5000,
  tokenGraceMs: 30_000,
  sweepEveryMs: 1000,
  pingAfterMs: 25_000,
  pongWithinMs: 10_000,
  maxBufferedBytes: 1024 * 1024,
  stallMs: 60_000,
  closeWithinMs: 2000,
}
