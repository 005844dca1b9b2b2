// Entry of a child process: holds idle connections and writes what they cost it as one line of JSON.
import { setTimeout as sleep } from 'node:timers/promises'
import { Gateway } from './gateway.js'
import type { HoldOrder } from './idle-report.js'
import { memoryInUseKiB } from './memory.js'
import { type Endpoint, RawConnection } from './raw-ssh.js'

const AT_ONCE = 8
// The first ones bring in caches and compiled code, which are not the price of the next.
const WARM_UP = 500
const SETTLE_MS = 1_000

const order = JSON.parse(process.argv[2] ?? '') as HoldOrder
const open = await opener(order.kind, order.endpoint)
await openMany(WARM_UP)
const before = await settledMemoryKiB()
await openMany(order.connections)
const after = await settledMemoryKiB()
const cpuPercent = await idleCpuPercent(order.idleMs)
process.stdout.write(`${JSON.stringify({ memoryKiB: (after - before) / order.connections, cpuPercent })}\n`)
process.exit()

async function opener(kind: HoldOrder['kind'], endpoint: Endpoint): Promise<() => Promise<unknown>> {
  if (kind === 'raw') return () => RawConnection.open(endpoint)
  const gateway = await Gateway.start({ endpoint })
  return () => gateway.open()
}

async function openMany(count: number): Promise<void> {
  let left = count
  const work = async () => {
    for (; left > 0; left -= 1) await open()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function settledMemoryKiB(): Promise<number> {
  for (let pass = 0; pass < 3; pass += 1) {
    globalThis.gc?.()
    await sleep(SETTLE_MS)
  }
  return memoryInUseKiB()
}

/** All threads together, as a share of one core. */
async function idleCpuPercent(idleMs: number): Promise<number> {
  const before = process.cpuUsage()
  await sleep(idleMs)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) / (idleMs * 1_000)) * 100
}
