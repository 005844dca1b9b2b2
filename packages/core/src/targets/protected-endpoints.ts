import { lookup } from 'node:dns/promises'
import type { KrownConfig } from '../config/krown-config.js'
import type { ProtectedEndpoint } from './outbound-policy.js'

const POSTGRES_PORT = 5432

/** What no session may talk to, whatever the configuration allows: Krown's own ports and its database. */
export class ProtectedEndpoints {
  readonly #endpoints: ProtectedEndpoint[]

  private constructor(endpoints: ProtectedEndpoint[]) {
    this.#endpoints = endpoints
  }

  static async of({
    server,
    database,
  }: Pick<KrownConfig, 'server' | 'database'>): Promise<ProtectedEndpoints> {
    const own = server.port === 0 ? [] : [{ host: server.host, port: server.port }]
    return new ProtectedEndpoints([...own, ...(await databaseEndpoint(database.url))])
  }

  add(endpoint: ProtectedEndpoint): void {
    this.#endpoints.push(endpoint)
  }

  list(): readonly ProtectedEndpoint[] {
    return this.#endpoints
  }
}

/** With the addresses it has now, so that another name for it does not help. */
async function databaseEndpoint(url: string): Promise<ProtectedEndpoint[]> {
  if (url === '') return []
  const { hostname, port } = new URL(url)
  // A socket directory instead of a host cannot be reached by SSH.
  if (hostname === '') return []
  const found = await lookup(hostname, { all: true }).catch(() => [])
  const addresses = found.map(({ address }) => address)
  return [{ host: hostname, port: Number(port) || POSTGRES_PORT, addresses }]
}
