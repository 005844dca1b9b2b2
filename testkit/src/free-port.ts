import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

const ATTEMPTS = 5

/** Thrown by a starter whose program found the port in use. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
}

/** A port that was free on 127.0.0.1 a moment ago. Another program may take it: see `withFreePort`. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  const port = await listenOnLoopback(server)
  server.close()
  await once(server, 'close')
  return port
}

/**
 * For programs that cannot be told port 0: starts on a free port, and on another if that one was taken meanwhile.
 *
 * @throws whatever `start` throws, unless it is a `PortTakenError` and attempts are left.
 */
export async function withFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await findFreePort())
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === ATTEMPTS) throw error
    }
  }
}

/** Listens on 127.0.0.1 and resolves with the port; port 0 lets the kernel choose. */
export async function listenOnLoopback(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
