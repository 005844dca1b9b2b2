import { startSshd } from '@krown/testkit/start-sshd'
import { NodeSSH } from 'node-ssh'
import { DurableCommit } from './lib/durable-commit.js'
import { Gateway } from './lib/gateway.js'
import { timeInTurn } from './lib/interleave.js'
import { type Endpoint, RawConnection } from './lib/raw-ssh.js'
import type { Figure, Scenario } from './lib/scenario.js'
import { median, quantile } from './lib/statistics.js'

const COMMAND = 'true'
const SAMPLING = { rounds: 60, warmUp: 40, burst: 5 }
const OVERHEAD_MS = 0.3

export const scenario: Scenario = {
  name: 'exec',
  title: 'one command at a time on an open session to OpenSSH, in process, SQLite file, FULL',
  run: async () => {
    await using sshd = await startSshd()
    await using gateway = await Gateway.start({ endpoint: sshd })
    await using commit = await DurableCommit.open()
    const raw = await RawConnection.open(sshd)
    const session = await gateway.open()
    const nodeSsh = await openNodeSsh(sshd)
    const times = await timeInTurn(
      {
        raw: () => raw.exec(COMMAND),
        krown: () => session.exec(COMMAND),
        // The two commits where Krown has them, with a command in between: a disk is faster when asked in bursts.
        journaled: async () => {
          await commit.run()
          await raw.exec(COMMAND)
          await commit.run()
        },
        commit: commit.run,
        nodeSsh: () => nodeSsh.execCommand(COMMAND),
      },
      SAMPLING,
    )
    nodeSsh.dispose()
    await raw.close()
    return figures(times)
  },
}

function figures(times: Record<'raw' | 'krown' | 'journaled' | 'commit' | 'nodeSsh', number[]>): Figure[] {
  const krown = median(times.krown)
  const journaled = median(times.journaled)
  const nodeSsh = median(times.nodeSsh)
  return [
    {
      what: 'p50, at most raw between two durable commits + 0.3 ms',
      value: krown,
      unit: 'ms',
      target: { atMost: journaled + OVERHEAD_MS },
      peers: {
        'raw ssh2': median(times.raw),
        'between commits': journaled,
        'one commit in a burst of them': median(times.commit),
      },
    },
    {
      what: 'p50 as a share of node-ssh',
      value: krown / nodeSsh,
      unit: '×',
      target: { atMost: 0.1 },
    },
    {
      what: 'p99',
      value: quantile(times.krown, 0.99),
      unit: 'ms',
      peers: { 'raw ssh2': quantile(times.raw, 0.99) },
    },
  ]
}

async function openNodeSsh({ host, port, username, privateKey }: Endpoint): Promise<NodeSSH> {
  return new NodeSSH().connect({ host, port, username, privateKey })
}
