/** Where the token of each call comes from. */
export interface Access {
  /** A token that is good for a while; undefined when nobody is signed in. */
  current(): Promise<string | undefined>
  /** The server refused that one: another, or undefined when there is none that is better. */
  renew(refused: string): Promise<string | undefined>
  /** Milliseconds until {@link current} should be asked again; undefined when it will say the same. */
  staleInMs(): number | undefined
}

/** Of a token's life, this much is kept in reserve, but at most a minute. */
const RESERVE = 0.2
const MAX_RESERVE_MS = 60_000

/** When to replace a token, milliseconds of the wall clock. */
export function staleAt(issuedAt: number, expiresAt: number): number {
  return expiresAt - Math.min(MAX_RESERVE_MS, Math.max(0, expiresAt - issuedAt) * RESERVE)
}
