import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createTempDir, FakeClock, waitFor } from '@krown/testkit'
import type { Clock } from '../../src/base/clock.js'
import type { KrownConfigInput } from '../../src/config/krown-config.js'
import { createKrown, type KrownParts } from '../../src/create-krown.js'
import type { Database } from '../../src/db/database.js'
import { isKrownError, type KrownError } from '../../src/errors/krown-error.js'
import type { Krown } from '../../src/krown.js'
import type { ExternalActor } from '../../src/model/actor.js'
import type { JournalEntry, JournalQuery } from '../../src/model/journal.js'
import type { KrownClient, SessionHandle } from '../../src/model/krown-client.js'
import type { AdhocSessionInput } from '../../src/model/open-session.js'
import type { Role } from '../../src/model/user.js'
import { type DatabasePlace, type OpenTestDatabase, openPlace } from './databases.js'

const ROLES = {
  admin: 'admin',
  operator: 'operator',
  otherOperator: 'operator',
  readonly: 'readonly',
  /** Read-only, with audit scope `org`. */
  auditor: 'readonly',
} as const satisfies Record<string, Role>

export type Person = keyof typeof ROLES

/** Whatever can be logged in to: every SSH server of the testkit. */
export interface Peer {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly privateKey: string
}

export interface KrownFixtureOptions {
  /** Default: SQLite in a directory of its own. */
  readonly place?: DatabasePlace
  /** Called at the end, when `place` was given. */
  readonly remove?: () => Promise<void>
  readonly config?: KrownConfigInput
  readonly parts?: Partial<KrownParts>
  readonly clock?: Clock
}

/** A gateway that may reach this machine on any port, with one user of each kind. */
export class KrownFixture implements AsyncDisposable {
  readonly krown: Krown
  readonly place: DatabasePlace
  /** A second handle on the data: to look behind the API, and to change what the API cannot. */
  readonly database: Database
  readonly actors: Readonly<Record<Person, ExternalActor>>
  readonly #clock: Clock | undefined
  readonly #dispose: () => Promise<void>

  constructor(parts: FixtureParts, dispose: () => Promise<void>) {
    this.krown = parts.krown
    this.place = parts.place
    this.database = parts.database
    this.actors = parts.actors
    this.#clock = parts.clock
    this.#dispose = dispose
  }

  get db() {
    return this.database.db
  }

  as(person: Person): KrownClient {
    return this.krown.as(this.actors[person])
  }

  get admin(): KrownClient {
    return this.as('admin')
  }

  get operator(): KrownClient {
    return this.as('operator')
  }

  /** Opens a session, as the operator unless said otherwise. */
  open(peer: Peer, { person = 'operator', ...changes }: OpenChanges = {}): Promise<SessionHandle> {
    return this.as(person).sessions.open({ ...loginTo(peer), ...changes })
  }

  /** What was journaled and fits, oldest first. */
  async entries(query: JournalQuery = {}): Promise<JournalEntry[]> {
    const entries: JournalEntry[] = []
    let cursor: string | undefined
    do {
      const page = await this.admin.journal.list({ ...query, limit: 200, cursor })
      entries.push(...page.items)
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    return entries.reverse()
  }

  /** Ends the gateway, which must leave no timer behind; time goes on for it if the clock is a fake one. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.krown.close()
    const clock = this.#clock
    if (clock instanceof FakeClock) {
      await elapse(clock, closed)
      if (clock.pendingTimers > 0) throw new Error(`${clock.pendingTimers} timers outlive the gateway`)
    }
    await closed
    await this.#dispose()
  }
}

type FixtureParts = Pick<KrownFixture, 'krown' | 'place' | 'database' | 'actors'> & {
  readonly clock: Clock | undefined
}

/** Lets time go on until the promise settles; resolves with how much of it passed, milliseconds. */
export async function elapse(clock: FakeClock, promise: Promise<unknown>, stepMs = 100): Promise<number> {
  const from = clock.monotonic()
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  await new Promise((resolve) => setImmediate(resolve))
  const what = 'a promise to settle while time goes on'
  await waitFor(() => settled || clock.advanceAsync(stepMs).then(() => settled), { what, timeoutMs: 20_000 })
  return clock.monotonic() - from
}

type OpenChanges = Partial<AdhocSessionInput> & { person?: Person }

/** Starts a gateway; with the same `place` a second one starts over the same data. */
export async function startKrown(options: KrownFixtureOptions = {}): Promise<KrownFixture> {
  const { place, remove = async () => {} } = options.place
    ? { place: options.place, remove: options.remove }
    : await newPlace()
  const parts = { ...options.parts, ...(options.clock && { clock: options.clock }) }
  const krown = await createKrown(configFor(place, options.config), parts)
  const actors = await introduceEverybody(krown)
  const database = await openPlace(place)
  await makeAuditor(database, actors.auditor)
  return new KrownFixture({ krown, place, database, actors, clock: options.clock }, async () => {
    await database[Symbol.asyncDispose]()
    await rm(recordingsDir(place), { recursive: true, force: true })
    await remove()
  })
}

/** The same over a database that the caller of `describeOnBothDatabases` was given the opener of. */
export function krownStarter(openTestDatabase: OpenTestDatabase) {
  return async (options: Omit<KrownFixtureOptions, 'place'> = {}): Promise<KrownFixture> => {
    const opened = await openTestDatabase()
    return startKrown({ ...options, place: opened.place, remove: async () => opened[Symbol.asyncDispose]() })
  }
}

/** Of every gateway of this test file, so that a second one over the same data can read what the first stored. */
const MASTER_KEY = randomBytes(32).toString('base64')

/** The configuration of a gateway whose targets are on this machine. */
export function configFor(place: DatabasePlace, config: KrownConfigInput = {}): KrownConfigInput {
  const { outbound, ...ssh } = config.ssh ?? {}
  const where =
    place.kind === 'sqlite'
      ? { dataDir: dirname(place.file) }
      : { database: { url: place.url, schema: place.schema, poolSize: 5, ...config.database } }
  return {
    ...config,
    ...where,
    vault: { masterKey: MASTER_KEY, ...config.vault },
    recordings: { dir: recordingsDir(place), ...config.recordings },
    ssh: { ...ssh, outbound: { allowLoopback: true, adhocPorts: [], ...outbound } },
  }
}

/** Where the files of recordings are. */
export function recordingsDir(place: DatabasePlace): string {
  if (place.kind === 'sqlite') return join(dirname(place.file), 'recordings')
  return join(tmpdir(), `krown-recordings-${place.schema}`)
}

/** How to log in to the peer with its key. */
export function loginTo({ host, port, username, privateKey }: Peer): AdhocSessionInput {
  return { host, port, username, auth: { method: 'key', privateKey } }
}

/** The same machine, logged in to as root. */
export function rootOf({ host, port, privateKey }: Peer): Peer {
  return { host, port, privateKey, username: 'root' }
}

/** The KrownError that a promise rejects with; fails the test when it does not. */
export async function refusalOf(promise: Promise<unknown>): Promise<KrownError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome && isKrownError(outcome.error)) return outcome.error
  throw new Error('expected a KrownError', { cause: outcome })
}

async function newPlace(): Promise<{ place: DatabasePlace; remove: () => Promise<void> }> {
  const dir = await createTempDir()
  return { place: { kind: 'sqlite', file: `${dir.path}/krown.db` }, remove: () => dir.stop() }
}

async function introduceEverybody(krown: Krown): Promise<KrownFixture['actors']> {
  const introduced: [string, ExternalActor][] = []
  for (const [name, role] of Object.entries(ROLES)) {
    const identity = { issuer: 'test', subject: name, displayName: name, role, clientIp: '192.0.2.7' }
    introduced.push([name, await krown.actors.external(identity)])
  }
  return Object.fromEntries(introduced) as Record<Person, ExternalActor>
}

// Only an instance admin may do it through the API, and there is none here.
async function makeAuditor({ db }: Database, { userId }: ExternalActor): Promise<void> {
  await db.updateTable('memberships').set({ audit_scope: 'org' }).where('user_id', '=', userId).execute()
}
