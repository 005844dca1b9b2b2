import type { AppRouter } from '@krown/server'
import type { TRPCClient } from '@trpc/client'
import type { CommandCalls } from '../http/calls.js'
import type { Downloads } from '../http/download.js'
import type { Access } from '../sign-in/access.js'
import type { Sockets } from '../sockets/sockets.js'
import type { Streams } from '../streams/streams.js'

/** What the sections of a client are made of. */
export interface ApiParts {
  readonly trpc: TRPCClient<AppRouter>
  readonly access: Access
  readonly sockets: Sockets
  readonly calls: CommandCalls
  readonly downloads: Downloads
  readonly streams: Streams
  readonly reconnectForMs: number
}
