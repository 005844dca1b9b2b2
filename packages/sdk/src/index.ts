import { createClientFor, type RemoteKrownClient } from './create-client.js'
import type { KrownClientOptions } from './options.js'
import { nodePlatform } from './sockets/node-socket.js'

export { newCommandId } from './command-id.js'
export { isKrownError, KrownClientError } from './errors/errors.js'
export type * from './public-types.js'
export { memoryTokenStore } from './sign-in/token-store.js'

/**
 * A client of the Krown server at `url`. It implements `KrownClient` of `@krown/core`, so a program moves from the
 * library to a server by changing the line that makes the client.
 *
 * Nothing is sent before the first call. Calls are HTTP requests; streams share WebSockets, which are opened when
 * needed and end five seconds after the last stream. `close()` ends them at once.
 *
 * @throws KrownClientError VALIDATION_FAILED when the options make no sense.
 * @example
 * await using client = createKrownClient({ url, credentials: { username, password } })
 * await using session = await client.sessions.open({ host, username: 'deploy', auth: { method: 'key', privateKey } })
 * const { stdout, exitCode } = await session.exec('uptime')
 */
export function createKrownClient(options: KrownClientOptions): RemoteKrownClient {
  return createClientFor(nodePlatform, options)
}
