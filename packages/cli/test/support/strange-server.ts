import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that answers as it likes. */
export interface StrangeServer extends AsyncDisposable {
  /** To talk to it, signed in. */
  readonly env: NodeJS.ProcessEnv
  /** The procedures that were called, in order. */
  readonly called: readonly string[]
}

/** @param answer The body for a call of this procedure, as it goes on the wire. */
export async function startStrangeServer(answer: (procedure: string) => unknown): Promise<StrangeServer> {
  const called: string[] = []
  const server = createServer((request, response) => {
    const procedure = String(request.url).replace(/^\/trpc\/([^?]*).*$/, '$1')
    called.push(procedure)
    request.resume()
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(procedure)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    env: { KROWN_URL: `http://127.0.0.1:${port}`, KROWN_TOKEN: 'token' },
    called,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The body of an answer that is a result. */
export const result = (data: unknown) => ({ result: { data } })
