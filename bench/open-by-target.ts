import { startPostgres } from '@krown/testkit/start-postgres'
import { startSshd } from '@krown/testkit/start-sshd'
import { Gateway } from './lib/gateway.js'
import { timeInTurn } from './lib/interleave.js'
import type { Endpoint } from './lib/raw-ssh.js'
import type { Figure, Scenario } from './lib/scenario.js'
import { median, quantile } from './lib/statistics.js'

const SAMPLING = { rounds: 75, warmUp: 15, burst: 1 }
const AT_MOST_ADDED_MS = 2
const OTHER_TARGETS = 1_000
const IN_ONE_IMPORT = 500

type Close = () => Promise<unknown>

export const scenario: Scenario = {
  name: 'open-by-target',
  title: `opening a session by the name of one of ${OTHER_TARGETS + 1} targets, beside an ad hoc one with the same key`,
  run: async () => {
    await using sshd = await startSshd()
    await using postgres = await startPostgres()
    await using onSqlite = await Gateway.start({ endpoint: sshd })
    await using onPostgres = await Gateway.start({ endpoint: sshd, databaseUrl: postgres.url() })
    // Closing is not part of it, and has a turn of its own.
    const opened: Close[] = []
    const closing = async () => void (await Promise.all(opened.splice(0).map((close) => close())))
    const figures: Figure[] = []
    for (const [database, gateway] of Object.entries({ SQLite: onSqlite, PostgreSQL: onPostgres })) {
      await addTargets(gateway, sshd)
      const steps = stepsOn(gateway, opened)
      // There and back again: none of the two is always the one after the closing.
      const { adhoc, byTarget, byTargetAgain, adhocAgain } = await timeInTurn(
        { ...steps, byTargetAgain: steps.byTarget, adhocAgain: steps.adhoc, closing },
        SAMPLING,
      )
      const times = { adhoc: [...adhoc, ...adhocAgain], byTarget: [...byTarget, ...byTargetAgain] }
      figures.push(...figuresOf(database, times))
    }
    await closing()
    return figures
  },
}

function stepsOn(gateway: Gateway, opened: Close[]) {
  const step = (open: () => ReturnType<Gateway['open']>) => async () => {
    const session = await open()
    opened.push(() => session.close())
  }
  return {
    adhoc: step(() => gateway.open()),
    byTarget: step(() => gateway.client.sessions.open({ targetName: 'target' })),
  }
}

function figuresOf(
  database: string,
  { adhoc, byTarget }: { adhoc: readonly number[]; byTarget: readonly number[] },
): Figure[] {
  const figure = (what: string, of: (times: readonly number[]) => number): Figure => ({
    what: `${what}, ${database}`,
    value: of(byTarget),
    unit: 'ms',
    peers: { 'ad hoc': of(adhoc) },
  })
  return [
    {
      ...figure(`p50, at most ad hoc + ${AT_MOST_ADDED_MS} ms`, median),
      target: { atMost: median(adhoc) + AT_MOST_ADDED_MS },
    },
    figure('p95', (times) => quantile(times, 0.95)),
  ]
}

/** The one that is opened, and others that make it one of many; none but that one is reached. */
async function addTargets({ admin }: Gateway, { host, port, username, privateKey }: Endpoint): Promise<void> {
  const credential = await admin.credentials.create({ name: 'key', kind: 'private_key', privateKey })
  const login = { host, port, username, credentialId: credential.id }
  await admin.targets.create({ name: 'target', ...login })
  for (let from = 0; from < OTHER_TARGETS; from += IN_ONE_IMPORT) {
    await admin.targets.import({
      targets: Array.from({ length: IN_ONE_IMPORT }, (_, n) => ({
        ...{ name: `other-${from + n}`, host, port, username: `user-${from + n}` },
      })),
    })
  }
}
