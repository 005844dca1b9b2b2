import { createKrown, type Krown, type KrownClient, type SessionHandle } from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import type { Endpoint } from './raw-ssh.js'

const SECRET = 'only the benchmarks use this secret, and only for a moment'

export interface GatewayOptions {
  readonly endpoint: Endpoint
  /** Default: SQLite in a directory of its own. */
  readonly databaseUrl?: string
}

/** Krown in this process, with everything durable as it is by default, and an operator who uses it. */
export class Gateway implements AsyncDisposable {
  readonly krown: Krown
  readonly client: KrownClient
  readonly #endpoint: Endpoint
  readonly #removeDir: () => Promise<void>

  private constructor(parts: {
    krown: Krown
    client: KrownClient
    endpoint: Endpoint
    removeDir: () => Promise<void>
  }) {
    this.krown = parts.krown
    this.client = parts.client
    this.#endpoint = parts.endpoint
    this.#removeDir = parts.removeDir
  }

  static async start({ endpoint, databaseUrl = '' }: GatewayOptions): Promise<Gateway> {
    const dir = await createTempDir()
    const krown = await createKrown(gatewayConfig({ dataDir: dir.path, databaseUrl, endpoint }))
    const operator = await krown.actors.external({
      issuer: 'bench',
      subject: 'operator',
      displayName: 'operator',
      role: 'operator',
    })
    return new Gateway({ krown, client: krown.as(operator), endpoint, removeDir: () => dir.stop() })
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

/** The defaults, but for the target on this machine and for room for many sessions of one user. */
function gatewayConfig(options: { dataDir: string; databaseUrl: string; endpoint: Endpoint }) {
  const { dataDir, databaseUrl, endpoint } = options
  return {
    dataDir,
    database: { url: databaseUrl },
    auth: { jwtSecret: SECRET },
    ssh: {
      maxSessionsPerUser: 4_000,
      maxSessionsPerOrg: 4_000,
      outbound: { allow: [`${endpoint.host}:${endpoint.port}`], adhocPorts: [] },
    },
  }
}
