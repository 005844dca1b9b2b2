import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CALLERS, type Caller } from '../permission-matrix.table.js'
import { call } from '../support/call.js'
import {
  type MatrixWorld,
  newHostKey,
  newRule,
  newTarget,
  newUser,
  startMatrixWorld,
} from '../support/matrix-world.js'

type Item = Record<string, unknown>

/** What has both a list and a way to read one of it. */
const NOUNS = [
  'access-rules',
  'commands',
  'credentials',
  'host-keys',
  'sessions',
  'targets',
  'users',
] as const
const WITHOUT_ITEM = ['auth/logins', 'invites', 'journal', 'tokens'] as const
const SECRET_NAME = /password|passphrase|secret|private|hash$|salt|token$/i
/** The chain of the journal, and the name of an API token that an entry is about. */
const HARMLESS = new Set(['journal hash', 'journal prevHash', 'journal token'])

type SignedIn = Exclude<Caller, 'anonymous'>
const SIGNED_IN = CALLERS.filter((caller): caller is SignedIn => caller !== 'anonymous')

let world: MatrixWorld

beforeAll(async () => {
  world = await startMatrixWorld({ requestsPerActor: 10_000 })
  const make = async (caller: SignedIn, path: string, body: unknown) => {
    const { token } = world.people[caller]
    const answer = await call(world.gateway.url, `POST /api/${path}`, { token, body })
    if (answer.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
  }
  for (const admin of ['admin', 'foreignAdmin'] as const) {
    await make(admin, 'credentials', { name: 'stored', kind: 'password', password: 'a secret of a target' })
    await make(admin, 'targets', { ...newTarget(), name: 'shared', tags: ['shared'] })
    await make(admin, 'targets', { ...newTarget(), name: 'hidden' })
    await make(admin, 'access-rules', newRule())
    await make(admin, 'host-keys', newHostKey())
    await make(admin, 'users', newUser())
    await make(admin, 'invites', {})
  }
  for (const operator of ['owner', 'otherOperator'] as const) {
    await make(operator, 'host-keys', { ...newHostKey(), scope: 'user' })
    await make(operator, 'tokens', { name: 'mine' })
  }
  await narrowRules()
})
afterAll(() => world[Symbol.asyncDispose]())

/** Operators reach one of the targets. */
async function narrowRules(): Promise<void> {
  const { token } = world.people.admin
  const rules = await listed('admin', 'access-rules')
  const all = rules?.find(({ selector }) => selector === '*')
  const options = { token, body: { selector: 'tag:shared' } }
  const answer = await call(world.gateway.url, `PATCH /api/access-rules/${all?.id}`, options)
  expect(answer.status).toBe(200)
}

/** Undefined where the list itself is refused. */
async function listed(caller: SignedIn, noun: string): Promise<Item[] | undefined> {
  const items: Item[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = `?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const { token } = world.people[caller]
    const answer = await call<{ items: Item[]; nextCursor: string | null }>(
      world.gateway.url,
      `GET /api/${noun}${query}`,
      { token },
    )
    if (answer.status === 403) return undefined
    expect([noun, answer.status]).toEqual([noun, 200])
    items.push(...answer.body.items)
    cursor = answer.body.nextCursor
  }
  return items
}

const item = (caller: SignedIn, noun: string, id: unknown) =>
  call<Item>(world.gateway.url, `GET /api/${noun}/${id}`, { token: world.people[caller].token })

function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = Array.isArray(value) ? [] : Object.keys(value)
  return [...own, ...Object.values(value).flatMap(namesIn)]
}

describe.each(SIGNED_IN)('T5: what %s is shown', (caller) => {
  test.each(NOUNS)('in the list of %s is what each item answers, and no item answers more', async (noun) => {
    const shown = (await listed(caller, noun)) ?? []
    for (const one of shown)
      expect(await item(caller, noun, one.id)).toMatchObject({ status: 200, body: one })
    const visible = new Set(shown.map(({ id }) => id))
    const everything = [
      ...((await listed('admin', noun)) ?? []),
      ...((await listed('foreignAdmin', noun)) ?? []),
    ]
    for (const { id } of everything.filter((one) => !visible.has(one.id))) {
      const { status, body } = await item(caller, noun, id)
      // One's own account may be read where the list may not.
      const isSelf = noun === 'users' && id === world.people[caller].user.id
      expect([403, 404].includes(status) || isSelf, `${noun} ${id}: ${JSON.stringify(body)}`).toBe(true)
    }
  })

  test('has no field that is there to hold a secret', async () => {
    const names: string[] = []
    for (const noun of [...NOUNS, ...WITHOUT_ITEM])
      names.push(...namesIn(await listed(caller, noun)).map((name) => `${noun} ${name}`))
    expect(names.filter((name) => SECRET_NAME.test(name) && !HARMLESS.has(name))).toEqual([])
  })
})

test('T5: the lists that are compared are not empty, and differ from caller to caller', async () => {
  for (const noun of NOUNS) expect([noun, (await listed('admin', noun))?.length]).not.toEqual([noun, 0])
  const names = async (caller: SignedIn) => (await listed(caller, 'targets'))?.map(({ name }) => name)
  expect(await names('owner')).toEqual(['shared'])
  expect((await names('admin'))?.sort()).toEqual(['hidden', 'shared'])
})

/** What each noun is asked to become. */
const CHANGES: Readonly<Record<string, object>> = {
  'access-rules': { verbs: ['exec'] },
  credentials: { name: 'changed' },
  'host-keys': { mark: 'revoked', reason: 'changed' },
  targets: { description: 'changed' },
  users: { role: 'readonly' },
}

const DELETED = ['access-rules', 'credentials', 'host-keys', 'targets', 'sessions'] as const
/** Nobody but their owner knows of these. */
const OWN = ['auth/logins', 'tokens'] as const

const KEY = newHostKey()
const NOBODY = randomUUID()
const rule = { selector: 'x', verbs: ['exec'] }

/** Where a request names something by its id. */
const REFERENCES: readonly [noun: string, line: string, bodyOf: (id: unknown) => object][] = [
  ['targets', 'POST /api/sessions', (targetId) => ({ targetId })],
  ['targets', 'POST /api/targets', (jumpTargetId) => ({ ...newTarget(), name: 'x', jumpTargetId })],
  ['credentials', 'POST /api/targets', (credentialId) => ({ ...newTarget(), name: 'x', credentialId })],
  ['targets', 'POST /api/host-keys', (viaTargetId) => ({ ...KEY, viaTargetId })],
  ['targets', 'POST /api/host-keys/probe', (viaTargetId) => ({ host: 'db.example.com', viaTargetId })],
  ['users', 'POST /api/access-rules/explain', (userId) => ({ userId, targetId: NOBODY, verb: 'exec' })],
  ['users', 'POST /api/access-rules', (userId) => ({ ...rule, subject: { kind: 'user', userId } })],
]
describe('B04: what another organization has', () => {
  /** The same request about that id and about one that never was. */
  async function expectSameRefusal(id: unknown, ask: (id: unknown) => { line: string; body?: object }) {
    const { token } = world.people.foreignAdmin
    const refusal = async (asked: unknown) => {
      const { line, body } = ask(asked)
      const answer = await call(world.gateway.url, line, { token, ...(body && { body }) })
      return {
        status: answer.status,
        body: { ...answer.body, requestId: '', details: withoutSession(answer.body) },
      }
    }
    const refused = await refusal(id)
    expect([ask(id).line, refused.status]).toEqual([ask(id).line, 404])
    expect(refused).toEqual(await refusal(randomUUID()))
  }

  /** Of a session that is refused there is a row, with an id of its own. */
  const withoutSession = ({ details }: Item) => ({ ...(details as object | undefined), sessionId: '' })

  test.each(NOUNS)(
    '%s: is read, changed and deleted like what never was, and stays as it is',
    async (noun) => {
      const before = (await listed('admin', noun)) ?? []
      const [one] = before
      const change = CHANGES[noun]
      await expectSameRefusal(one?.id, (id) => ({ line: `GET /api/${noun}/${id}` }))
      if (change)
        await expectSameRefusal(one?.id, (id) => ({ line: `PATCH /api/${noun}/${id}`, body: change }))
      if ((DELETED as readonly string[]).includes(noun))
        await expectSameRefusal(one?.id, (id) => ({ line: `DELETE /api/${noun}/${id}` }))
      expect(await listed('admin', noun)).toEqual(before)
    },
  )

  test('invites, tokens and logins: end for nobody else', async () => {
    const [invite] = (await listed('admin', 'invites')) ?? []
    await expectSameRefusal(invite?.id, (id) => ({ line: `DELETE /api/invites/${id}` }))
    for (const noun of OWN) {
      const [one] = (await listed('owner', noun)) ?? []
      await expectSameRefusal(one?.id, (id) => ({ line: `DELETE /api/${noun}/${id}` }))
    }
  })

  test.each(REFERENCES)('%s: is named to %s like what never was', async (noun, line, bodyOf) => {
    const [one] = (await listed('admin', noun)) ?? []
    await expectSameRefusal(one?.id, (id) => ({ line, body: bodyOf(id) }))
  })
})
