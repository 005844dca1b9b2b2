import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

export interface SocketServer extends AsyncDisposable {
  readonly url: string
}

/** A server whose WebSocket answers every subscription with these frames. */
export async function answerSubscriptions(
  framesFor: (id: number) => readonly (string | Uint8Array)[],
): Promise<SocketServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => {
    socket.on('message', (text) => {
      if (String(text) === 'PING') return socket.send('PONG')
      const { id, method } = JSON.parse(String(text))
      if (method !== 'subscription') return
      for (const frame of framesFor(id)) socket.send(frame)
    })
  })
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A server whose WebSocket answers every subscription with this refusal. */
export function refuseSubscriptions(krown: Record<string, unknown>): Promise<SocketServer> {
  const data = { code: 'X', httpStatus: 418, krown: { detail: 'said so', requestId: 'r-1', ...krown } }
  return answerSubscriptions((id) => [
    JSON.stringify({ id, error: { message: 'said so', code: -32_000, data } }),
  ])
}
