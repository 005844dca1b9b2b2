import { mainThreadCpuMs } from './main-thread.js'

type Exec = (command: string) => Promise<unknown>

export interface BurstFigures {
  readonly commandsPerSecond: number
  /** Milliseconds of CPU of the main thread, for each command. */
  readonly mainThreadMs: number
}

const IN_FLIGHT = 64
const COMMAND = 'echo krown'

/** Runs so many commands, always 64 of them at once, spread evenly over the sessions. */
export async function runBurst(sessions: readonly Exec[], commands: number): Promise<BurstFigures> {
  let left = commands
  const work = async (exec: Exec) => {
    for (; left > 0; left -= 1) await exec(COMMAND)
  }
  const cpuBefore = mainThreadCpuMs()
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => work(pick(sessions, index))))
  const wallMs = performance.now() - startedAt
  return {
    commandsPerSecond: (commands / wallMs) * 1_000,
    mainThreadMs: (mainThreadCpuMs() - cpuBefore) / commands,
  }
}

function pick(sessions: readonly Exec[], index: number): Exec {
  const exec = sessions[index % sessions.length]
  if (!exec) throw new RangeError('a burst needs sessions')
  return exec
}
