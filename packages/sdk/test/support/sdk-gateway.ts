import { randomBytes } from 'node:crypto'
import { createKrownFrom, type Krown, type KrownConfigInput, parseConfig, type User } from '@krown/core'
import { createTempDir, type FaultProxy, startFaultProxy } from '@krown/testkit'
import { startServer, type TestServer } from '../../../server/test/support/start-server.js'
import {
  type Credentials,
  createKrownClient,
  type KrownClientOptions,
  type RemoteKrownClient,
} from '../../src/index.js'

const PASSWORD = 'a good long passphrase'

interface Running {
  readonly krown: Krown
  readonly server: TestServer
}

type NewPerson = { role: User['role']; auditScope?: 'org' }

/** A real server on SQLite, behind a proxy that can do harm, and people who are known to it. */
export class SdkGateway implements AsyncDisposable {
  readonly proxy: FaultProxy
  readonly setupToken: string
  readonly #config: KrownConfigInput
  readonly #end: () => Promise<void>
  readonly #clients: RemoteKrownClient[] = []
  #running: Running
  #admin: Promise<RemoteKrownClient> | undefined
  #people = 0

  constructor(parts: {
    proxy: FaultProxy
    config: KrownConfigInput
    running: Running
    end: () => Promise<void>
  }) {
    this.proxy = parts.proxy
    this.#config = parts.config
    this.setupToken = parts.config.auth?.setupToken ?? ''
    this.#running = parts.running
    this.#end = parts.end
  }

  /** Goes through the proxy. */
  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`
  }

  /** Does not go through the proxy, and is another one after a restart. */
  get directUrl(): string {
    return this.#running.server.url
  }

  /** A client that is closed at the end. */
  connect(options: Partial<KrownClientOptions> = {}): RemoteKrownClient {
    const client = createKrownClient({ url: this.url, ...options })
    this.#clients.push(client)
    return client
  }

  admin(): Promise<RemoteKrownClient> {
    this.#admin ??= this.#setUp()
    return this.#admin
  }

  async newUser({ role, auditScope }: NewPerson): Promise<Credentials> {
    const admin = await this.admin()
    this.#people += 1
    const credentials = { username: `${role}-${this.#people}`, password: PASSWORD }
    const { id } = await admin.users.create({ ...credentials, role })
    if (auditScope) await admin.users.update(id, { auditScope })
    return credentials
  }

  async as(person: NewPerson, options: Partial<KrownClientOptions> = {}): Promise<RemoteKrownClient> {
    return this.connect({ credentials: await this.newUser(person), ...options })
  }

  /** Ends the server as SIGTERM does, and starts the next one on the same data. */
  async restart(): Promise<void> {
    await this.stopServer()
    this.#running = await run(this.#config)
    this.proxy.target.port = this.#running.server.port
  }

  async stopServer(): Promise<void> {
    await this.#running.krown.close()
    await this.#running.server.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close()
    await this.proxy.stop()
    await this.stopServer()
    await this.#end()
  }

  async #setUp(): Promise<RemoteKrownClient> {
    const credentials = { username: 'first-admin', password: PASSWORD }
    const client = this.connect({ credentials })
    await client.auth.register({ ...credentials, setupToken: this.setupToken })
    return client
  }
}

export async function startSdkGateway(config: KrownConfigInput = {}): Promise<SdkGateway> {
  const dir = await createTempDir()
  const whole: KrownConfigInput = {
    ...config,
    dataDir: dir.path,
    auth: {
      jwtSecret: randomBytes(32).toString('hex'),
      setupToken: randomBytes(32).toString('hex'),
      ...config.auth,
    },
    vault: { masterKey: randomBytes(32).toString('base64'), ...config.vault },
    ssh: {
      maxSessionOpensPerMinute: 10_000,
      ...config.ssh,
      outbound: { allowLoopback: true, adhocPorts: [] },
    },
  }
  const running = await run(whole)
  const proxy = await startFaultProxy({ host: '127.0.0.1', port: running.server.port })
  return new SdkGateway({ proxy, config: whole, running, end: () => dir.stop() })
}

async function run(config: KrownConfigInput): Promise<Running> {
  const krown = await createKrownFrom(parseConfig(config))
  return { krown, server: await startServer(krown, { config }) }
}
