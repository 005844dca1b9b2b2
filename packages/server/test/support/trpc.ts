import { createTRPCClient, createWSClient, type TRPCClient, wsLink } from '@trpc/client'
import { WebSocket } from 'ws'
import type { AppRouter } from '../../src/index.js'

export interface TrpcSocket extends AsyncDisposable {
  readonly client: TRPCClient<AppRouter>
  /** Cuts the connection under it, as a network would; the client then connects anew. */
  cut(): void
}

/** tRPC over one WebSocket, as the SDK uses it. @param token Asked for at each connection. */
export function connectTrpc(url: string, token: () => string): TrpcSocket {
  const sockets: WebSocket[] = []
  class TestWebSocket extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols)
      sockets.push(this)
    }
  }
  const ws = createWSClient({
    url: `${url.replace('http', 'ws')}/trpc`,
    WebSocket: TestWebSocket as never,
    connectionParams: () => ({ token: token() }),
    retryDelayMs: () => 10,
  })
  return {
    client: createTRPCClient<AppRouter>({ links: [wsLink({ client: ws })] }),
    cut: () => sockets.at(-1)?.terminate(),
    [Symbol.asyncDispose]: () => ws.close(),
  }
}
