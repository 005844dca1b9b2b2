import { createClientFor, type RemoteKrownClient } from './create-client.js'
import type { KrownClientOptions } from './options.js'

// biome-ignore lint/performance/noBarrelFile: the public API, as index.ts is in Node
export { newCommandId } from './command-id.js'
export { isKrownError, KrownClientError } from './errors/errors.js'
export type * from './public-types.js'
export { memoryTokenStore } from './sign-in/token-store.js'

/** The same as in `index.ts`, on the WebSocket that browsers have. */
export function createKrownClient(options: KrownClientOptions): RemoteKrownClient {
  return createClientFor({ WebSocket: globalThis.WebSocket, canHold: false }, options)
}
