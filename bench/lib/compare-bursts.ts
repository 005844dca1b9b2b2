import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { type BurstFigures, runBurst } from './burst.js'
import { Gateway } from './gateway.js'
import { RawConnection } from './raw-ssh.js'
import type { Figure } from './scenario.js'
import { median } from './statistics.js'

const SESSIONS = 32
const COMMANDS = 2_000
const ROUNDS = 9

export interface BurstTargets {
  /** Share of raw ssh2's commands per second. */
  readonly atLeastShare?: number
  /** Milliseconds that each command may cost the main thread more than raw ssh2's. */
  readonly atMostAddedMs?: number
}

/** 64 commands in flight over 32 connections: Krown and raw ssh2 in turn, against the same server process. */
export async function compareBursts(
  options: { databaseUrl?: string },
  targets: BurstTargets,
): Promise<Figure[]> {
  await using server = await startBenchSshServer()
  await using gateway = await Gateway.start({ endpoint: server, ...options })
  const raw = await openAll(() => RawConnection.open(server))
  const krown = await openAll(() => gateway.open())
  const results = { raw: [] as BurstFigures[], krown: [] as BurstFigures[] }
  for (let round = -2; round < ROUNDS; round += 1) {
    const rawFigures = await runBurst(
      raw.map((connection) => (command) => connection.exec(command)),
      COMMANDS,
    )
    const krownFigures = await runBurst(
      krown.map((session) => (command) => session.exec(command)),
      COMMANDS,
    )
    if (round < 0) continue
    results.raw.push(rawFigures)
    results.krown.push(krownFigures)
  }
  await Promise.all(raw.map((connection) => connection.close()))
  return figures(results, targets)
}

async function openAll<T>(open: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: SESSIONS }, open))
}

function figures(
  { raw, krown }: { raw: BurstFigures[]; krown: BurstFigures[] },
  { atLeastShare, atMostAddedMs }: BurstTargets,
): Figure[] {
  const rate = (all: BurstFigures[]) => median(all.map(({ commandsPerSecond }) => commandsPerSecond))
  const cpu = (all: BurstFigures[]) => median(all.map(({ mainThreadMs }) => mainThreadMs)) * 1_000
  return [
    {
      what: 'commands per second as a share of raw ssh2',
      value: (rate(krown) / rate(raw)) * 100,
      unit: '%',
      ...(atLeastShare !== undefined && { target: { atLeast: atLeastShare * 100 } }),
    },
    { what: 'commands per second', value: rate(krown), unit: '/s', peers: { 'raw ssh2': rate(raw) } },
    {
      what: 'main thread, added to raw ssh2 for each command',
      value: cpu(krown) - cpu(raw),
      unit: 'µs',
      ...(atMostAddedMs !== undefined && { target: { atMost: atMostAddedMs * 1_000 } }),
      peers: { 'raw ssh2': cpu(raw) },
    },
  ]
}
