import { invalidInput } from './errors/errors.js'
import type { TokenStore } from './sign-in/token-store.js'

/**
 * User name and password; the client signs in with them when it first needs to, and again when its login ended. After
 * `auth.login` or `auth.logout` they are used no more.
 */
export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface KrownClientOptions {
  /** Where the server is: `https://krown.example.com`, with a path if it is mounted below one. */
  readonly url: string
  /**
   * An API token (`krn_pat_…`) or an access token, or a function that gives one whenever it is asked. Not together
   * with `credentials` and `tokenStore`.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined
  readonly credentials?: Credentials | undefined
  /** Where the login is kept; default: in memory. With `credentials` as well, those are used when it has none. */
  readonly tokenStore?: TokenStore | undefined
  /**
   * For pages in browsers: the refresh token stays in a cookie that no script can read, so that the login outlives the
   * page and cannot be stolen by one. The server must know the page's origin. Not together with `token`, `tokenStore`.
   */
  readonly refresh?: 'cookie' | undefined
  /**
   * How long streams try to come back after the connection was lost before they fail with `CONNECTION_LOST`,
   * milliseconds; default 60,000, `Infinity` for ever.
   */
  readonly reconnectForMs?: number | undefined
  /** How long one request may take before it fails with `CONNECTION_LOST`, milliseconds; default 120,000, `Infinity` for ever. */
  readonly requestTimeoutMs?: number | undefined
  /** Used instead of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined
}

const DEFAULT_RECONNECT_FOR_MS = 60_000
const DEFAULT_REQUEST_TIMEOUT_MS = 120_000

/** The same, checked and with every default filled in. */
export interface ClientSettings {
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** Scheme, host and port: what errors may name. */
  readonly origin: string
  readonly reconnectForMs: number
  readonly requestTimeoutMs: number
  readonly fetch: typeof fetch
}

/** @throws KrownClientError VALIDATION_FAILED; what is wrong is never repeated, it might be a secret. */
export function toSettings(options: KrownClientOptions): ClientSettings {
  const { token, credentials, tokenStore, refresh } = options
  const url = parseUrl(options.url)
  if (token !== undefined && (credentials || tokenStore || refresh)) {
    throw invalidInput('token', 'must not be given together with credentials, tokenStore or refresh')
  }
  if (tokenStore && refresh) throw invalidInput('tokenStore', 'must not be given together with refresh')
  return {
    baseUrl: url.origin + url.pathname.replace(/\/+$/, ''),
    origin: url.origin,
    reconnectForMs: toDuration('reconnectForMs', options.reconnectForMs ?? DEFAULT_RECONNECT_FOR_MS),
    requestTimeoutMs: toDuration('requestTimeoutMs', options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS),
    // Browsers insist on being called without a receiver.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
  }
}

function toDuration(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0) return value
  throw invalidInput(name, 'must be a number of milliseconds, not negative')
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) throw invalidInput('url', 'must be an http or https URL')
  if (url.username || url.password) throw invalidInput('url', 'must not hold a user name or password')
  if (url.search || url.hash) throw invalidInput('url', 'must not have a query or a fragment')
  return url
}
