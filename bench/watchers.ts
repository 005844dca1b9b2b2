import { createKrownClient } from '@krown/sdk'
import { startSshd } from '@krown/testkit/start-sshd'
import { openInput } from './lib/gateway.js'
import { GrowthMeter } from './lib/memory.js'
import { outputBytes, printing, toMib } from './lib/output-size.js'
import type { Scenario } from './lib/scenario.js'
import { ADMIN, ServerProcess } from './lib/server-process.js'
import { median } from './lib/statistics.js'
import { Watcher, type WatchReport } from './lib/watcher.js'

const WATCHERS = 200
const LIMITS = { sockets_per_user: 250, sockets_per_address: 250 }

export const scenario: Scenario = {
  name: 'watchers',
  title: '200 WebSockets that follow one command which prints as fast as it can; none misses anything unsaid',
  run: async () => {
    await using sshd = await startSshd()
    await using server = await ServerProcess.start(sshd, LIMITS)
    await using client = createKrownClient({ url: server.url, credentials: ADMIN })
    await using session = await client.sessions.open(openInput(sshd))
    const watched = { url: server.url, token: await server.signIn(), sessionId: session.id }
    const follow = async (count: number, bytes: number) => {
      const watchers = Array.from({ length: count }, () => new Watcher(watched))
      await Promise.all(watchers.map(({ started }) => started))
      await session.exec(printing(bytes))
      return Promise.all(watchers.map(({ finished }) => finished))
    }
    const bytes = outputBytes(32)
    await follow(1, bytes / 8)
    // Whatever warming up left is collected, and does not hide what follows.
    await server.heldBytes()
    const meter = new GrowthMeter(server.pid)
    const reports = await follow(WATCHERS, bytes)
    return figures(reports, { bytes, grownMib: meter.mib })
  },
}

function figures(reports: readonly WatchReport[], { bytes, grownMib }: { bytes: number; grownMib: number }) {
  const shares = reports.map((report) => (report.bytes / bytes) * 100)
  return [
    {
      what: "server's memory, added by 200 watchers, at its highest",
      value: grownMib,
      unit: 'MiB' as const,
      target: { atMost: 100 },
    },
    { what: `what a watcher got of ${toMib(bytes)} MiB, median`, value: median(shares), unit: '%' as const },
    { what: '… the one that got least', value: Math.min(...shares), unit: '%' as const },
  ]
}
