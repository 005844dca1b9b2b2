import { startPostgres } from '@krown/testkit/start-postgres'
import { startSshd } from '@krown/testkit/start-sshd'
import { Gateway } from './lib/gateway.js'
import { timeInTurn } from './lib/interleave.js'
import { OpensshClient } from './lib/openssh-client.js'
import type { Endpoint } from './lib/raw-ssh.js'
import type { Figure, Scenario } from './lib/scenario.js'
import { median, quantile } from './lib/statistics.js'

const SAMPLING = { rounds: 40, warmUp: 10, burst: 1 }
const ALLOWED_SHARE = 1.15

export const scenario: Scenario = {
  name: 'jump-hosts',
  title: 'one command through two jump hosts, from nothing to the end of every connection, beside ssh -J',
  run: async () => {
    await using outer = await startSshd()
    await using inner = await startSshd()
    await using target = await startSshd()
    await using ssh = await OpensshClient.prepare({ outer, inner, target })
    await using postgres = await startPostgres()
    const options = { endpoint: target, others: [outer, inner] }
    await using onSqlite = await Gateway.start(options)
    await using onPostgres = await Gateway.start({ ...options, databaseUrl: postgres.url() })
    for (const gateway of [onSqlite, onPostgres]) await addTargets(gateway, { outer, inner, target })
    const { openssh, ...krown } = await timeInTurn(
      {
        openssh: () => ssh.run(['-J', 'outer,inner', 'target', 'true']),
        SQLite: () => runOnTarget(onSqlite),
        PostgreSQL: () => runOnTarget(onPostgres),
      },
      SAMPLING,
    )
    return Object.entries(krown).flatMap(([database, times]) => figuresOf(database, { openssh, times }))
  },
}

function figuresOf(
  database: string,
  { openssh, times }: { openssh: readonly number[]; times: readonly number[] },
): Figure[] {
  const figure = (what: string, of: (times: readonly number[]) => number): Figure => ({
    what: `${what}, ${database}`,
    value: of(times),
    unit: 'ms',
    peers: { 'ssh -J': of(openssh) },
  })
  return [
    {
      ...figure(`p50, at most ${ALLOWED_SHARE} × ssh -J`, median),
      target: { atMost: median(openssh) * ALLOWED_SHARE },
    },
    figure('p95', (times) => quantile(times, 0.95)),
  ]
}

async function runOnTarget({ client }: Gateway): Promise<void> {
  const session = await client.sessions.open({ targetName: 'target' })
  await session.exec('true')
  await session.close()
}

/** Each is reached through the one before it. */
async function addTargets({ admin }: Gateway, endpoints: Readonly<Record<string, Endpoint>>): Promise<void> {
  let before: Awaited<ReturnType<typeof admin.targets.create>> | undefined
  for (const [name, { host, port, username, privateKey }] of Object.entries(endpoints)) {
    const credential = await admin.credentials.create({ name, kind: 'private_key', privateKey })
    const login = { host, port, username, credentialId: credential.id }
    before = await admin.targets.create({ name, ...login, jumpTargetId: before?.id ?? null })
  }
}
