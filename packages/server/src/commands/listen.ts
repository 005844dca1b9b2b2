import type { AddressInfo } from 'node:net'
import type { KrownConfig } from '@krown/core'
import type { FastifyInstance } from 'fastify'

export interface Listening {
  readonly host: string
  readonly port: number
  /** The address to open in a browser. */
  readonly url: string
}

/** Listens where the configuration says. */
export async function listen(app: FastifyInstance, { server }: KrownConfig): Promise<Listening> {
  // By this name Fastify would open a second server, without the bounds of the first.
  await app.listen({ host: server.host === 'localhost' ? '127.0.0.1' : server.host, port: server.port })
  const { address, family, port } = app.server.address() as AddressInfo
  const scheme = server.tlsCert === '' ? 'http' : 'https'
  const host = family === 'IPv6' ? `[${address}]` : address
  return { host: address, port, url: `${scheme}://${host}:${port}` }
}
