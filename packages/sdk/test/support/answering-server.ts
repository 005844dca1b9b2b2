import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface AnsweringServer extends AsyncDisposable {
  readonly url: string
}

/** A server that says the same to everybody: what a newer Krown might say, or something that is no Krown. */
export async function answerWith(
  status: number,
  body: string,
  contentType = 'application/json',
): Promise<AnsweringServer> {
  return listening(
    createServer((_, response) => {
      response.writeHead(status, { 'content-type': contentType }).end(body)
    }),
  )
}

/** It listens on a port of its own until it is disposed of. */
export async function listening(server: Server): Promise<AnsweringServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A refusal in tRPC's dress. */
export function refusal(krown: Record<string, unknown>): string {
  const data = { code: 'X', httpStatus: 418, krown: { detail: 'said so', requestId: 'r-1', ...krown } }
  return JSON.stringify({ error: { message: 'said so', code: -32_000, data } })
}
