import { createServer } from 'node:http'
import { type AnsweringServer, listening } from './answering-server.js'

/** A server that sends everybody elsewhere, to the same path. */
export function redirectTo(origin: string, status: number): Promise<AnsweringServer> {
  return listening(
    createServer((request, response) => {
      response.writeHead(status, { location: origin + request.url }).end()
    }),
  )
}
