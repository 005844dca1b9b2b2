/** What differs between Node and browsers. */
export interface SocketPlatform {
  /** The constructor to connect with; undefined where there is none. */
  readonly WebSocket: typeof WebSocket | undefined
  /** Reading can be held back, so that the sender waits; a browser takes whatever comes. */
  readonly canHold: boolean
}

/** A WebSocket of a browser, or of the `ws` package with what that can besides. */
export interface LiveSocket extends WebSocket {
  pause?(): void
  resume?(): void
  terminate?(): void
}
