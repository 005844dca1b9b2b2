import { startSshd } from '@krown/testkit/start-sshd'
import { Gateway } from './lib/gateway.js'
import { timeInTurn } from './lib/interleave.js'
import { OpensshClient } from './lib/openssh-client.js'
import type { Endpoint } from './lib/raw-ssh.js'
import type { Scenario } from './lib/scenario.js'
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
    await using gateway = await Gateway.start({ endpoint: target, others: [outer, inner] })
    await addTargets(gateway, { outer, inner, target })
    const times = await timeInTurn(
      {
        openssh: () => ssh.run(['-J', 'outer,inner', 'target', 'true']),
        krown: () => runOnTarget(gateway),
      },
      SAMPLING,
    )
    const openssh = median(times.openssh)
    return [
      {
        what: 'p50, at most 1.15 × ssh -J',
        value: median(times.krown),
        unit: 'ms',
        target: { atMost: openssh * ALLOWED_SHARE },
        peers: { 'ssh -J': openssh },
      },
      {
        what: 'p95',
        value: quantile(times.krown, 0.95),
        unit: 'ms',
        peers: { 'ssh -J': quantile(times.openssh, 0.95) },
      },
    ]
  },
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
