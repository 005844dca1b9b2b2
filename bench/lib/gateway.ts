import { randomBytes } from 'node:crypto'
import { createKrown, type Krown, type KrownClient, type SessionHandle } from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import type { Endpoint } from './raw-ssh.js'

const SECRET = 'only the benchmarks use this secret, and only for a moment'

export interface GatewayOptions {
  readonly endpoint: Endpoint
  /** Where sessions may go besides. */
  readonly others?: readonly Endpoint[]
  /** Default: SQLite in a directory of its own. */
  readonly databaseUrl?: string
}

/** Krown in this process, with everything durable as it is by default, an operator who uses it and their admin. */
export class Gateway implements AsyncDisposable {
  readonly krown: Krown
  readonly client: KrownClient
  readonly admin: KrownClient
  readonly #endpoint: Endpoint
  readonly #removeDir: () => Promise<void>

  private constructor(parts: {
    krown: Krown
    client: KrownClient
    admin: KrownClient
    endpoint: Endpoint
    removeDir: () => Promise<void>
  }) {
    this.krown = parts.krown
    this.client = parts.client
    this.admin = parts.admin
    this.#endpoint = parts.endpoint
    this.#removeDir = parts.removeDir
  }

  static async start({ endpoint, others = [], databaseUrl = '' }: GatewayOptions): Promise<Gateway> {
    const dir = await createTempDir()
    const config = gatewayConfig({ dataDir: dir.path, databaseUrl, endpoints: [endpoint, ...others] })
    const krown = await createKrown(config)
    const client = await clientOf(krown, 'operator')
    const admin = await clientOf(krown, 'admin')
    return new Gateway({ krown, client, admin, endpoint, removeDir: () => dir.stop() })
  }

  async open(): Promise<SessionHandle> {
    return this.client.sessions.open(openInput(this.#endpoint))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.krown.close()
    await this.#removeDir()
  }
}

export function openInput({ host, port, username, privateKey }: Endpoint) {
  return { host, port, username, auth: { method: 'key' as const, privateKey } }
}

async function clientOf(krown: Krown, role: 'operator' | 'admin'): Promise<KrownClient> {
  const person = { issuer: 'bench', subject: role, displayName: role, role }
  return krown.as(await krown.actors.external(person))
}

/** The defaults, but for the targets on this machine and for room for many sessions of one user. */
function gatewayConfig(options: { dataDir: string; databaseUrl: string; endpoints: Endpoint[] }) {
  const { dataDir, databaseUrl, endpoints } = options
  return {
    dataDir,
    database: { url: databaseUrl },
    auth: { jwtSecret: SECRET },
    vault: { masterKey: randomBytes(32).toString('base64') },
    ssh: {
      maxSessionsPerUser: 4_000,
      maxSessionsPerOrg: 4_000,
      maxSessionOpensPerMinute: 1_000_000,
      outbound: { allow: endpoints.map(({ host, port }) => `${host}:${port}`), adhocPorts: [] },
    },
  }
}
