import { fileURLToPath } from 'node:url'
import { startProcess } from '@krown/testkit/child-process'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import type { Endpoint } from './raw-ssh.js'

export interface HoldOrder {
  readonly kind: 'raw' | 'krown'
  readonly endpoint: Endpoint
  readonly connections: number
  readonly idleMs: number
}

export interface IdleReport {
  /** Memory that each connection adds. */
  readonly memoryKiB: number
  /** Of one core, by the process while nothing happens. */
  readonly cpuPercent: number
}

const HOLDER = fileURLToPath(new URL('./idle-holder.ts', import.meta.url))

/** Holds idle connections in a process of their own, against a server of their own. */
export async function reportIdle(order: Omit<HoldOrder, 'endpoint'>): Promise<IdleReport> {
  await using server = await startBenchSshServer()
  const { host, port, username, privateKey } = server
  const argument = JSON.stringify({ ...order, endpoint: { host, port, username, privateKey } })
  const holder = startProcess({
    command: process.execPath,
    args: ['--expose-gc', '--import', 'tsx', HOLDER, argument],
  })
  const [line] = await holder.untilLog(/^\{"memoryKiB".*\}$/m)
  await holder.exited()
  return JSON.parse(line) as IdleReport
}
