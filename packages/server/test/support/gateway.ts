import { randomBytes, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  createKrownFrom,
  type Krown,
  type KrownConfig,
  type KrownConfigInput,
  type KrownParts,
  type LoginResult,
  parseConfig,
  type User,
} from '@krown/core'
import { createTempDir } from '@krown/testkit'
import type { SocketSettings } from '../../src/transport/ws/socket-settings.js'
import { call } from './call.js'
import { startServer, type TestServer } from './start-server.js'

export const PASSWORD = 'a good long passphrase'

/** A person who is signed in. */
export interface Person {
  readonly user: User
  readonly token: string
  readonly refreshToken: string
}

/** Core and server as they run in production, on a SQLite file of their own. */
export interface Gateway extends AsyncDisposable {
  readonly krown: Krown
  readonly config: KrownConfig
  readonly server: TestServer
  readonly url: string
  readonly setupToken: string
  /** Made with the setup token by {@link setUp}. */
  admin(): Promise<Person>
  /** A new user with that role. */
  person(role: User['role'], options?: { auditScope?: 'org' }): Promise<Person>
  /** The admin of an organization that has nobody else. */
  foreignAdmin(): Promise<Person>
  signIn(username: string, password?: string): Promise<Person>
  /** Runs SQL beside the running gateway. */
  sql(statement: string, ...parameters: unknown[]): void
}

export interface GatewayOptions {
  config?: KrownConfigInput
  parts?: Partial<KrownParts>
  sockets?: Partial<SocketSettings>
  /** Targets that may be reached. */
  targets?: readonly { port: number }[]
}

export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const dir = await createTempDir()
  const setupToken = randomBytes(32).toString('base64url')
  const config = parseConfig(configOf({ ...options, dataDir: dir.path, setupToken }))
  const krown = await createKrownFrom(config, options.parts)
  const { config: given = {}, sockets = {} } = options
  const server = await startServer(krown, { config: given, sockets })
  const people = createPeople(server.url, setupToken)
  const sql = (statement: string, ...parameters: unknown[]) => runSql(dir.path, statement, parameters)
  const stop = async () => {
    await krown.close()
    await server.stop()
    await dir.stop()
  }
  return {
    krown,
    config,
    server,
    url: server.url,
    setupToken,
    sql,
    ...people,
    foreignAdmin: () => moveToOtherOrganization(people, sql),
    [Symbol.asyncDispose]: stop,
  }
}

function configOf(options: GatewayOptions & { dataDir: string; setupToken: string }): KrownConfigInput {
  const { config, targets = [], dataDir, setupToken } = options
  return {
    ...config,
    dataDir,
    auth: { jwtSecret: randomBytes(32).toString('hex'), setupToken, ...config?.auth },
    vault: { masterKey: randomBytes(32).toString('base64'), ...config?.vault },
    ssh: {
      // Tests open more than a person does.
      maxSessionOpensPerMinute: 10_000,
      ...config?.ssh,
      outbound: {
        allow: targets.map(({ port }) => `127.0.0.1:${port}`),
        adhocPorts: [],
        ...config?.ssh?.outbound,
      },
    },
  }
}

function createPeople(url: string, setupToken: string) {
  let firstAdmin: Promise<Person> | undefined
  const signIn = async (username: string, password = PASSWORD): Promise<Person> => {
    const { body } = await must<LoginResult>(url, 'POST /api/auth/login', { body: { username, password } })
    return { user: body.user, token: body.accessToken, refreshToken: body.refreshToken }
  }
  const setUp = async (username: string): Promise<Person> => {
    await must(url, 'POST /api/auth/register', { body: { username, password: PASSWORD, setupToken } })
    return signIn(username)
  }
  const admin = () => {
    firstAdmin ??= setUp('first-admin')
    return firstAdmin
  }
  const person = async (role: User['role'], { auditScope }: { auditScope?: 'org' } = {}): Promise<Person> => {
    const { token } = await admin()
    const username = `${role}-${randomUUID().slice(0, 8)}`
    const { body } = await must<User>(url, 'POST /api/users', {
      token,
      body: { username, password: PASSWORD, role },
    })
    if (auditScope) await must(url, `PATCH /api/users/${body.id}`, { token, body: { auditScope } })
    return signIn(username)
  }
  return { signIn, admin, person }
}

async function must<Body>(url: string, line: string, options: Parameters<typeof call>[2]) {
  const answer = await call<Body>(url, line, options)
  if (answer.status >= 300)
    throw new Error(`${line} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer
}

/** No door makes organizations yet: the row, and the membership of a new admin, are moved there by hand. */
async function moveToOtherOrganization(
  { person, signIn }: ReturnType<typeof createPeople>,
  sql: Gateway['sql'],
): Promise<Person> {
  const { user } = await person('admin')
  const orgId = randomUUID()
  sql(
    'insert into organizations (id, slug, name, created_at) values (?, ?, ?, ?)',
    orgId,
    orgId,
    'Other',
    Date.now(),
  )
  sql('delete from logins where user_id = ?', user.id)
  sql('update memberships set org_id = ? where user_id = ?', orgId, user.id)
  return signIn(user.username)
}

function runSql(dataDir: string, statement: string, parameters: unknown[]): void {
  const require = createRequire(createRequire(import.meta.url).resolve('@krown/core/package.json'))
  const Database = require('better-sqlite3')
  const database = new Database(join(dataDir, 'krown.db'))
  try {
    database.prepare(statement).run(...parameters)
  } finally {
    database.close()
  }
}
