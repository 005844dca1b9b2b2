import { startSshd } from '@krown/testkit/start-sshd'
import { timeInTurn } from './lib/interleave.js'
import { overheadFigure } from './lib/overhead.js'
import { RawConnection } from './lib/raw-ssh.js'
import { RestGateway } from './lib/rest-gateway.js'
import type { Scenario } from './lib/scenario.js'
import { quantile } from './lib/statistics.js'

const COMMAND = 'true'
const SAMPLING = { rounds: 60, warmUp: 40, burst: 5 }
const OVERHEAD_MS = 2

export const scenario: Scenario = {
  name: 'exec-over-rest',
  title: 'one command at a time over REST, krown-server in its own process with its defaults',
  run: async () => {
    await using sshd = await startSshd()
    await using gateway = await RestGateway.start(sshd)
    const raw = await RawConnection.open(sshd)
    const execute = await gateway.open(sshd)
    const times = await timeInTurn({ raw: () => raw.exec(COMMAND), krown: () => execute(COMMAND) }, SAMPLING)
    await raw.close()
    return [
      overheadFigure({ times, atMostMs: OVERHEAD_MS }),
      {
        what: 'p99',
        value: quantile(times.krown, 0.99),
        unit: 'ms',
        peers: { 'raw ssh2': quantile(times.raw, 0.99) },
      },
    ]
  },
}
