import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionHandle } from '@krown/core'
import { createKrownClient } from '@krown/sdk'
import { startSshd } from '@krown/testkit/start-sshd'
import { openInput } from './lib/gateway.js'
import { GrowthMeter } from './lib/memory.js'
import { outputBytes, printing, toMib } from './lib/output-size.js'
import { RawConnection } from './lib/raw-ssh.js'
import { readToEnd } from './lib/read-to-end.js'
import type { Scenario } from './lib/scenario.js'
import { ADMIN, ServerProcess } from './lib/server-process.js'

const WARM_UP_BYTES = 32 * 1024 * 1024
// Everything that may wait somewhere is full long before.
const STOPPED_MS = 10_000

interface StoppedGrowth {
  readonly held: number
  readonly peak: number
}

export const scenario: Scenario = {
  name: 'stream-throughput',
  title:
    'the output of one command to the stream of the SDK, krown-server in its own process with its defaults',
  run: async () => {
    await using sshd = await startSshd()
    await using server = await ServerProcess.start(sshd)
    await using client = createKrownClient({ url: server.url, credentials: ADMIN })
    await using session = await client.sessions.open(openInput(sshd))
    const raw = await RawConnection.open(sshd)
    const bytes = outputBytes(1024)
    await raw.count(printing(WARM_UP_BYTES))
    await readToEnd(await session.stream(printing(WARM_UP_BYTES)))
    const stopped = await growthWithStoppedReader(session, { server, bytes })
    const meter = new GrowthMeter(server.pid)
    // Half of it before and half of it after: what else the machine does happens to both.
    const before = await secondsOf(() => raw.count(printing(bytes / 2)), bytes / 2)
    const seconds = await secondsOf(async () => readToEnd(await session.stream(printing(bytes))), bytes)
    const after = await secondsOf(() => raw.count(printing(bytes / 2)), bytes / 2)
    await raw.close()
    const rates = { raw: toMib(bytes) / (before + after), krown: toMib(bytes) / seconds }
    return figures(rates, { reading: meter.mib, stopped })
  },
}

async function secondsOf(read: () => Promise<number>, bytes: number): Promise<number> {
  const startedAt = performance.now()
  const received = await read()
  if (received !== bytes) throw new Error(`${received} bytes arrived of ${bytes}`)
  return (performance.now() - startedAt) / 1_000
}

/** What the server holds for a reader who took one piece and then no more, and what it took at most until then. */
async function growthWithStoppedReader(
  session: SessionHandle,
  { server, bytes }: { server: ServerProcess; bytes: number },
): Promise<StoppedGrowth> {
  const before = await server.heldBytes()
  const meter = new GrowthMeter(server.pid)
  const stream = await session.stream(printing(bytes))
  const reading = stream[Symbol.asyncIterator]()
  await reading.next()
  await sleep(STOPPED_MS)
  const peak = meter.mib
  const held = toMib((await server.heldBytes()) - before)
  await reading.return?.()
  await stream.cancel()
  return { held, peak }
}

function figures(rates: { raw: number; krown: number }, growth: { reading: number; stopped: StoppedGrowth }) {
  return [
    {
      what: 'throughput as a share of raw ssh2',
      value: (rates.krown / rates.raw) * 100,
      unit: '%' as const,
      target: { atLeast: 10 },
    },
    {
      what: 'throughput',
      value: rates.krown,
      unit: 'MiB/s' as const,
      peers: { 'raw ssh2': rates.raw },
    },
    {
      what: "server's memory in use, added by a reader that stops",
      value: growth.stopped.held,
      unit: 'MiB' as const,
      target: { atMost: 16 },
    },
    {
      what: '… resident at its highest, with garbage that was not collected yet',
      value: growth.stopped.peak,
      unit: 'MiB' as const,
    },
    {
      what: '… resident at its highest, by one that reads all of it',
      value: growth.reading,
      unit: 'MiB' as const,
    },
  ]
}
