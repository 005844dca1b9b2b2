import { FakeClock } from '@krown/testkit'
import { createIdentity, type Identity, type IdentityParts } from '../../../src/auth/create-identity.js'
import type { LimitStore } from '../../../src/auth/limits/limit-store.js'
import { MemoryLimitStore } from '../../../src/auth/limits/memory-limit-store.js'
import { openLimitStore } from '../../../src/auth/limits/open-limit-store.js'
import type { PasswordHasher } from '../../../src/auth/passwords/password-hasher.js'
import { newId } from '../../../src/base/ids.js'
import { usersApi } from '../../../src/client/users-api.js'
import type { Database } from '../../../src/db/database.js'
import { listEntriesForward } from '../../../src/db/repositories/journal.repository.js'
import { isKrownError } from '../../../src/errors/krown-error.js'
import { Journal } from '../../../src/journal/journal.js'
import type { Actor, CallOrigin, LoginActor } from '../../../src/model/actor.js'
import type { OrgId, UserId } from '../../../src/model/ids.js'
import type { LoginResult } from '../../../src/model/login.js'
import type { CreateUserInput, Role, UpdateUserInput, User, UserQuery } from '../../../src/model/user.js'
import type { OpenTestDatabase } from '../../support/databases.js'

export const SETUP_TOKEN = 'setup-token-of-this-test-0123456789'
export const PASSWORD = 'a fine long password'
const MINUTE = 60_000
export const DAY = 24 * 60 * MINUTE

export const origin = (clientIp: string | null = '192.0.2.1'): CallOrigin => ({
  clientIp,
  requestId: 'req-1',
})

/** Cheap, and remembers what it was asked. */
class FakeHasher implements PasswordHasher {
  /** Parameters of each hash that was verified against. */
  readonly verified: string[] = []
  hashed = 0

  async hash(password: string): Promise<string> {
    this.hashed += 1
    return `$argon2id$v=19$m=19456,t=2,p=1$${Buffer.from(password).toString('base64url')}$fake`
  }

  async verify(hash: string, password: string): Promise<boolean> {
    const [, algorithm, version, parameters, salt] = hash.split('$')
    this.verified.push(`${algorithm} ${version} ${parameters}`)
    return salt === Buffer.from(password).toString('base64url')
  }
}

export interface Entry {
  action: string
  outcome: string
  actorUserId: string | null
  resourceId: string | null
  facts: Record<string, unknown>
  details: Record<string, unknown>
}

export interface Member {
  readonly user: User
  readonly result: LoginResult
  readonly actor: LoginActor
}

export type Overrides = {
  auth?: Partial<IdentityParts['settings']['auth']>
  limits?: Partial<IdentityParts['settings']['limits']>
  setupToken?: string | null
  hasher?: PasswordHasher
  /** Counted together on PostgreSQL, where time is partly real; default: each process for itself. */
  sharedLimits?: boolean
  /** Instead of either. */
  limitStore?: LimitStore
}

const SETTINGS: IdentityParts['settings'] = {
  auth: {
    jwtSecret: 'jwt-secret-of-this-test-0123456789ab',
    previousJwtSecrets: [],
    accessTokenTtl: 10 * MINUTE,
    refreshTokenTtl: 30 * DAY,
    refreshIdleTtl: 7 * DAY,
    registration: 'open',
    passwordMinLength: 12,
  },
  limits: {
    loginFailuresPerAccount: 10,
    loginFailuresPerAddress: 30,
    registrationsPerAddress: 20,
    window: 15 * MINUTE,
    requestsPerActor: 1000,
  },
}

/** One process with identity over a database, and a clock that only the test moves. */
export class IdentityFixture implements AsyncDisposable {
  readonly clock: FakeClock
  readonly hasher = new FakeHasher()
  /** Who was reported as changed, in order. */
  readonly changed: UserId[] = []
  readonly #database: Database
  readonly #schema: string
  readonly #dispose: () => Promise<void>
  #identity: Identity | undefined

  constructor(
    { database, schema }: { database: Database; schema: string },
    clock: FakeClock,
    dispose: () => Promise<void>,
  ) {
    this.#database = database
    this.#schema = schema
    this.clock = clock
    this.#dispose = dispose
  }

  async start(overrides: Overrides): Promise<this> {
    const { auth, limits, setupToken = SETUP_TOKEN, hasher = this.hasher } = overrides
    this.#identity = await createIdentity({
      database: this.#database,
      journal: new Journal({ database: this.#database, clock: this.clock, newId }),
      clock: this.clock,
      newId,
      limitStore: overrides.limitStore ?? (await this.#openLimits(overrides.sharedLimits)),
      settings: { auth: { ...SETTINGS.auth, ...auth }, limits: { ...SETTINGS.limits, ...limits } },
      setupToken,
      hasher,
      onUserChanged: (userId) => this.changed.push(userId),
    })
    return this
  }

  async #openLimits(shared = false): Promise<LimitStore> {
    const { clock } = this
    return shared
      ? openLimitStore(this.#database, { schema: this.#schema, clock })
      : new MemoryLimitStore({ clock })
  }

  get identity(): Identity {
    if (!this.#identity) throw new Error('not started')
    return this.#identity
  }

  get auth() {
    return this.identity.auth
  }

  /** As clients have it, which check what they are given. */
  get users() {
    const as = (actor: Actor) => usersApi(this.identity, actor)
    return {
      list: (actor: Actor, query?: UserQuery) => as(actor).list(query),
      get: (actor: Actor, id: UserId) => as(actor).get(id),
      create: (actor: Actor, input: CreateUserInput) => as(actor).create(input),
      update: (actor: Actor, id: UserId, input: UpdateUserInput) => as(actor).update(id, input),
    }
  }

  get orgId(): OrgId {
    return this.identity.home.orgId
  }

  get db() {
    return this.#database.db
  }

  async setUp(username = 'root'): Promise<User> {
    const input = { username, password: PASSWORD, setupToken: SETUP_TOKEN }
    return this.auth.register(input, origin())
  }

  /** Signs in, by another address for each test that counts. */
  async signIn(username: string, password = PASSWORD, from = origin()): Promise<Member> {
    const result = await this.auth.login({ username, password }, from)
    const actor = await this.authenticateLogin(result.accessToken, from)
    return { user: result.user, result, actor }
  }

  async authenticateLogin(accessToken: string, from = origin()): Promise<LoginActor> {
    const actor = await this.auth.authenticate(accessToken, from)
    if (actor.kind !== 'login') throw new Error('not the access token of a login')
    return actor
  }

  /** The first admin, signed in. */
  async admin(): Promise<Member> {
    await this.setUp()
    return this.signIn('root')
  }

  /** A user made by the system, signed in. */
  async member(username: string, role: Role): Promise<Member> {
    await this.users.create(this.identity.home.system, { username, password: PASSWORD, role })
    return this.signIn(username)
  }

  /** Everything that was journaled, oldest first. */
  async entries(action?: string, orgId = this.orgId): Promise<Entry[]> {
    const rows = await listEntriesForward(this.db, orgId, { afterSeq: 0, limit: 10_000 })
    const entries = rows.map((row) => ({
      action: row.action,
      outcome: row.outcome,
      actorUserId: row.actor_user_id,
      resourceId: row.resource_id,
      facts: JSON.parse(row.text).facts,
      details: JSON.parse(row.details ?? '{}'),
    }))
    return entries.filter((entry) => action === undefined || entry.action === action)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose()
  }
}

/** The opener of fixtures for one kind of database. */
export function fixtureOpener(openTestDatabase: OpenTestDatabase) {
  const open = async (overrides: Overrides = {}): Promise<IdentityFixture> => {
    const { fixture } = await openTwo(overrides)
    return fixture
  }
  /** With the means to start more processes over the same data, each with its own caches and limits. */
  const openTwo = async (overrides: Overrides = {}) => {
    const opened = await openTestDatabase()
    const clock = new FakeClock()
    const schema = opened.place.kind === 'postgres' ? opened.place.schema : ''
    const start = (database: Database, dispose: () => Promise<void>) =>
      new IdentityFixture({ database, schema }, clock, dispose).start(overrides)
    const fixture = await start(opened.database, async () => opened[Symbol.asyncDispose]())
    const another = async () => start(await opened.openAgain(), async () => {})
    return { fixture, another }
  }
  return { open, openTwo }
}

/** The code a promise is rejected with; fails when it is not a KrownError. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) return 'OK'
  if (!isKrownError(error)) throw error
  return error.code
}
