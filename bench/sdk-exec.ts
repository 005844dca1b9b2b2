import { createKrownClient } from '@krown/sdk'
import { startSshd } from '@krown/testkit/start-sshd'
import { openInput } from './lib/gateway.js'
import { timeInTurn } from './lib/interleave.js'
import { RawConnection } from './lib/raw-ssh.js'
import { readToEnd } from './lib/read-to-end.js'
import type { Scenario } from './lib/scenario.js'
import { ADMIN, ServerProcess } from './lib/server-process.js'
import { median, quantile } from './lib/statistics.js'

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
  const [raw, exec, stream] = [median(times.raw), median(times.exec), median(times.stream)]
  const peers = { 'raw ssh2': raw }
  const unit = 'ms' as const
  return [
    {
      what: 'exec, over HTTP, p50, at most raw + 2.5 ms',
      value: exec,
      unit,
      target: { atMost: raw + EXEC_OVERHEAD_MS },
      peers,
    },
    {
      what: 'stream, in a WebSocket that is open, p50, at most raw + 2.8 ms',
      value: stream,
      unit,
      target: { atMost: raw + STREAM_OVERHEAD_MS },
      peers,
    },
    { what: 'exec, p99', value: quantile(times.exec, 0.99), unit },
    { what: 'stream, p99', value: quantile(times.stream, 0.99), unit },
  ]
}
