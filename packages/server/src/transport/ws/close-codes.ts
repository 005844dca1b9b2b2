/** Why Krown closes a WebSocket; `docs/websocket.md` tells clients what to do then. */
export const CLOSE = {
  restarting: 1012,
  malformed: 4400,
  notAuthenticated: 4401,
  userDisabled: 4403,
  tooSlow: 4408,
  flood: 4429,
} as const

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE]
