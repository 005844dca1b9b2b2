import { lookup } from 'node:dns/promises'
import type { Pool } from 'pg'
import type { KrownConfig } from '../../config/krown-config.js'
import type { ProtectedEndpoint } from './outbound-policy.js'

const POSTGRES_PORT = 5432

/** What no session may talk to, whatever the configuration allows: Krown's own ports and its database. */
export class ProtectedEndpoints {
  readonly #endpoints: ProtectedEndpoint[]

  private constructor(endpoints: ProtectedEndpoint[]) {
    this.#endpoints = endpoints
  }

  /** @param pool Used instead of `database.url`. */
  static async of(
    { server, database }: Pick<KrownConfig, 'server' | 'database'>,
    pool?: Pool,
  ): Promise<ProtectedEndpoints> {
    const own = server.port === 0 ? [] : [{ host: server.host, port: server.port }]
    const place = pool ? placeOfPool(pool) : placeOf(database.url)
    return new ProtectedEndpoints([...own, ...(await databaseEndpoint(place))])
  }

  add(endpoint: ProtectedEndpoint): void {
    this.#endpoints.push(endpoint)
  }

  list(): readonly ProtectedEndpoint[] {
    return this.#endpoints
  }
}

interface Place {
  readonly host: string
  readonly port: number
}

/** Undefined for SQLite. */
function placeOf(url: string): Place | undefined {
  if (url === '') return undefined
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || POSTGRES_PORT }
}

function placeOfPool({ options }: Pool): Place {
  const { connectionString, host = '', port = POSTGRES_PORT } = options
  return (connectionString && placeOf(connectionString)) || { host, port }
}

/** With the addresses it has now, so that another name for it does not help. */
async function databaseEndpoint(place: Place | undefined): Promise<ProtectedEndpoint[]> {
  // A socket directory instead of a host cannot be reached by SSH.
  if (!place || place.host === '' || place.host.startsWith('/')) return []
  const found = await lookup(place.host, { all: true }).catch(() => [])
  return [{ ...place, addresses: found.map(({ address }) => address) }]
}
