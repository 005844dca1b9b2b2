import { createKrownClient } from '@krown/sdk'
import { startSshd } from '@krown/testkit/start-sshd'
import { openInput } from './lib/gateway.js'
import { timeInTurn } from './lib/interleave.js'
import { overheadFigure } from './lib/overhead.js'
import { RawConnection } from './lib/raw-ssh.js'
import { readToEnd } from './lib/read-to-end.js'
import type { Scenario } from './lib/scenario.js'
import { ADMIN, ServerProcess } from './lib/server-process.js'
import { quantile } from './lib/statistics.js'

const COMMAND = 'true'
const SAMPLING = { rounds: 60, warmUp: 40, burst: 5 }
const EXEC_OVERHEAD_MS = 2.5
const STREAM_OVERHEAD_MS = 2.8

export const scenario: Scenario = {
  name: 'sdk-exec',
  title: 'one command at a time with the SDK, krown-server in its own process with its defaults',
  run: async () => {
    await using sshd = await startSshd()
    await using server = await ServerProcess.start(sshd)
    await using client = createKrownClient({ url: server.url, credentials: ADMIN })
    await using session = await client.sessions.open(openInput(sshd))
    const raw = await RawConnection.open(sshd)
    const steps = {
      raw: () => raw.exec(COMMAND),
      exec: () => session.exec(COMMAND),
      // Its WebSocket stays open from one to the next.
      stream: async () => readToEnd(await session.stream(COMMAND)),
    }
    const times = await timeInTurn(steps, SAMPLING)
    await raw.close()
    return figures(times)
  },
}

function figures(times: Record<'raw' | 'exec' | 'stream', number[]>) {
  const { raw, exec, stream } = times
  const unit = 'ms' as const
  return [
    overheadFigure({ of: 'exec, over HTTP', times: { raw, krown: exec }, atMostMs: EXEC_OVERHEAD_MS }),
    overheadFigure({
      of: 'stream, in a WebSocket that is open',
      times: { raw, krown: stream },
      atMostMs: STREAM_OVERHEAD_MS,
    }),
    { what: 'exec, p99', value: quantile(times.exec, 0.99), unit },
    { what: 'stream, p99', value: quantile(times.stream, 0.99), unit },
  ]
}
