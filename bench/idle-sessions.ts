import { type IdleReport, reportIdle } from './lib/idle-report.js'
import type { Scenario } from './lib/scenario.js'

const CONNECTIONS = 2_000
// Twice the keepalive interval and more.
const IDLE_MS = 40_000

export const scenario: Scenario = {
  name: 'idle-sessions',
  title: '2,000 idle sessions, each peer in its own process; keepalives go out every 15 s from Krown only',
  run: async () => {
    const raw = await reportIdle({ kind: 'raw', connections: CONNECTIONS, idleMs: IDLE_MS })
    const krown = await reportIdle({ kind: 'krown', connections: CONNECTIONS, idleMs: IDLE_MS })
    return figures(raw, krown)
  },
}

function figures(raw: IdleReport, krown: IdleReport) {
  return [
    {
      // OpenSSL and libuv hold the same for both: with that the multiple of the whole would be less.
      what: 'objects and buffers of each session, as a multiple of raw ssh2',
      value: krown.memoryKiB / raw.memoryKiB,
      unit: '×' as const,
      target: { atMost: 1.6 },
    },
    {
      what: 'objects and buffers of each session',
      value: krown.memoryKiB,
      unit: 'KiB' as const,
      peers: { 'raw ssh2': raw.memoryKiB },
    },
    {
      what: 'idle CPU, share of a core',
      value: krown.cpuPercent,
      unit: '%' as const,
      target: { atMost: 2 },
      peers: { 'raw ssh2': raw.cpuPercent },
    },
  ]
}
