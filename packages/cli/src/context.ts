import type { RemoteKrownClient } from '@krown/sdk'
import { usageError } from './cli-error.js'
import { configDirectory } from './config/config-directory.js'
import { loginStore } from './config/login-store.js'
import { findServerUrl } from './config/server-url.js'
import type { Io } from './io.js'
import { Output } from './output/output.js'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url?: string
  readonly json?: boolean
}

/** What every command gets. */
export interface Context {
  readonly io: Io
  readonly output: Output
  readonly options: GlobalOptions
}

export function createContext(io: Io, options: GlobalOptions): Context {
  return { io, output: new Output(io, options), options }
}

/** A server with whoever we are there. */
export interface Connection extends AsyncDisposable {
  readonly url: string
  readonly client: RemoteKrownClient
}

/** See `KrownClientOptions`. */
export interface ConnectOptions {
  readonly reconnectForMs?: number
}

/** To the server that is meant, as whoever the environment or the last login says; nothing is sent yet. */
export async function connect(
  { io, options }: Context,
  connectOptions: ConnectOptions = {},
): Promise<Connection> {
  const url = await findServerUrl(io, options.url)
  if (url === undefined)
    throw usageError('no server is known', 'give --url or KROWN_URL, or sign in with "krown login"')
  return connectTo(io, url, connectOptions)
}

export async function connectTo(
  io: Io,
  url: string,
  connectOptions: ConnectOptions = {},
): Promise<Connection> {
  // Most of this program; nobody who asks for help should wait for it.
  const { createKrownClient } = await import('@krown/sdk')
  const { KROWN_TOKEN: token } = io.env
  const signIn = token ? { token } : { tokenStore: loginStore(configDirectory(io), url) }
  const client = createKrownClient({ url, ...signIn, ...connectOptions })
  return { url, client, [Symbol.asyncDispose]: () => client.close() }
}
