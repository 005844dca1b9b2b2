import { createKrown, type Krown, type KrownClient, type TargetId, type UserId } from '@krown/core'
import { startPostgres } from '@krown/testkit/start-postgres'
import { createTempDir } from '@krown/testkit/temp-dir'
import { timeInTurn } from './lib/interleave.js'
import type { Figure, Scenario } from './lib/scenario.js'
import { median, quantile } from './lib/statistics.js'

const TARGETS = 10_000
const RULES = 1_000
const AT_ONCE = 256
const SAMPLING = { rounds: 300, warmUp: 20, burst: 1 }
const AT_MOST_MS = 10
const SECRET = 'only the benchmarks use this secret, and only for a moment'
const TEAMS = RULES / 2

export const scenario: Scenario = {
  name: 'inventory',
  title: `${TARGETS} targets and ${RULES} access rules: what a call of an operator takes, 95 of 100`,
  run: async () => {
    await using postgres = await startPostgres()
    return [...(await figuresOn('SQLite', '')), ...(await figuresOn('PostgreSQL', postgres.url()))]
  },
}

interface World {
  readonly admin: KrownClient
  readonly operator: KrownClient
  readonly userId: UserId
  readonly targetIds: readonly TargetId[]
}

/** By what is measured; each turn asks for something else. */
function callsIn({ admin, operator, userId, targetIds }: World): Record<string, () => Promise<unknown>> {
  let turn = 0
  return {
    'list a page of 50': () => operator.targets.list(),
    'resolve a selector': () => {
      turn += 1
      // Some six or seven of them.
      const selector = `name:web-*7 tag:team-${(turn * 10 + 7) % TEAMS} not tag:db`
      return operator.targets.list({ selector, limit: 200 })
    },
    'decide access': () => {
      turn += 1
      return admin.accessRules.explain({ userId, targetId: at(targetIds, turn * 47), verb: 'exec' })
    },
  }
}

async function figuresOn(database: string, url: string): Promise<Figure[]> {
  const dir = await createTempDir()
  const krown = await createKrown({
    dataDir: dir.path,
    database: { url },
    auth: { jwtSecret: SECRET },
  })
  try {
    const times = await timeInTurn(callsIn(await fill(krown)), SAMPLING)
    return Object.entries(times).map(([what, took]) => ({
      what: `${what}, ${database}`,
      value: quantile(took, 0.95),
      unit: 'ms',
      target: { atMost: AT_MOST_MS },
      peers: { 'half of them': median(took) },
    }))
  } finally {
    await krown.close()
    await dir.stop()
  }
}

/** Half of the rules name a tag, the other half, which have to be asked for every target, a part of a name. */
async function fill(krown: Krown): Promise<World> {
  const admin = krown.as(await krown.actors.system())
  const actor = await krown.actors.external({
    issuer: 'bench',
    subject: 'operator',
    displayName: 'operator',
    role: 'operator',
  })
  const [everything] = (await admin.accessRules.list()).items
  if (everything) await admin.accessRules.delete(everything.id)
  const targets = await many(TARGETS, (i) =>
    admin.targets.create({
      name: `${i % 3 === 0 ? 'db' : 'web'}-${i}`,
      host: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
      username: 'root',
      tags: [`team-${i % (2 * TEAMS)}`, i % 3 === 0 ? 'db' : 'web'],
      probe: false,
    }),
  )
  await many(RULES, (i) =>
    admin.accessRules.create({
      subject: { kind: 'role', role: 'operator' },
      selector: i < TEAMS ? `tag:team-${i} and not tag:secret` : `name:*-${i}?5 or host:*.${i}.?`,
      verbs: ['exec'],
    }),
  )
  return {
    admin,
    operator: krown.as(actor),
    userId: actor.userId,
    targetIds: targets.map(({ id }) => id),
  }
}

async function many<T>(count: number, make: (turn: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let turn = 0; turn < count; turn += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - turn)
    made.push(...(await Promise.all(Array.from({ length: size }, (_, i) => make(turn + i)))))
  }
  return made
}

function at<T>(items: readonly T[], turn: number): T {
  const item = items[turn % items.length]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}
