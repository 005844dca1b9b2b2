/** What keeps somebody signed in. Whoever has it is that user: store it as one stores a password. */
export interface StoredLogin {
  /** For the `Authorization: Bearer` header. */
  readonly accessToken: string
  /** ISO 8601, by the clock of this machine. */
  readonly accessTokenExpiresAt: string
  /** For one refresh, which answers with its successor. */
  readonly refreshToken: string
}

/**
 * Where a login outlives the process or the page: a file, a keychain. Every refresh replaces the stored login, and
 * several clients may share one store: each looks here before it asks the server.
 */
export interface TokenStore {
  /** Undefined when nobody is signed in. */
  load(): Promise<StoredLogin | undefined> | StoredLogin | undefined
  save(login: StoredLogin): Promise<void> | void
  /** The login has ended: forget it. Clearing twice is fine. */
  clear(): Promise<void> | void
}

/** A store that lasts as long as the client; the default. */
export function memoryTokenStore(): TokenStore {
  let stored: StoredLogin | undefined
  return {
    load: () => stored,
    save: (login) => {
      stored = login
    },
    clear: () => {
      stored = undefined
    },
  }
}
