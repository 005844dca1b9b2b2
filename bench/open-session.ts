import { startSshd } from '@krown/testkit/start-sshd'
import { Gateway } from './lib/gateway.js'
import { timeInTurn } from './lib/interleave.js'
import { overheadFigure } from './lib/overhead.js'
import { RawConnection } from './lib/raw-ssh.js'
import type { Scenario } from './lib/scenario.js'

const SAMPLING = { rounds: 60, warmUp: 5, burst: 1 }
const OPENED_BEFORE = 150
const OVERHEAD_MS = 6

export const scenario: Scenario = {
  name: 'open-session',
  title: 'opening a session to OpenSSH with a key, until a command could run',
  run: async () => {
    await using sshd = await startSshd()
    await using gateway = await Gateway.start({ endpoint: sshd })
    for (let round = 0; round < OPENED_BEFORE; round += 1) {
      await (await RawConnection.open(sshd)).close()
      await (await gateway.open()).close()
    }
    // Closing is not part of it, and would disturb the next one.
    const opened: { close(): Promise<unknown> }[] = []
    const times = await timeInTurn(
      {
        raw: async () => opened.push(await RawConnection.open(sshd)),
        krown: async () => opened.push(await gateway.open()),
      },
      SAMPLING,
    )
    await Promise.all(opened.map((connection) => connection.close()))
    return [overheadFigure({ times, atMostMs: OVERHEAD_MS })]
  },
}
