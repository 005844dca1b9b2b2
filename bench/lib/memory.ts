import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const SETTLE_MS = 1_000
const KIB_PER_MIB = 1024

/**
 * The resident memory of a process that no file backs, KiB: the kernel may drop pages of Node's own program at any
 * time, which would make the difference of two whole RSS values mean nothing. Linux only.
 */
export function anonymousMemoryKiB(pid: number | 'self'): number {
  return statusOf(pid, 'RssAnon')
}

/** What a Node process needs so that {@link settledMemoryMib} can reach it. */
export const COLLECTABLE = ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGUSR2",()=>gc())']

/** What has to stay in the memory of another process, MiB: garbage is collected, what was freed is given back. */
export async function settledMemoryMib(pid: number): Promise<number> {
  for (let pass = 0; pass < 3; pass += 1) {
    process.kill(pid, 'SIGUSR2')
    await sleep(SETTLE_MS)
  }
  return anonymousMemoryKiB(pid) / KIB_PER_MIB
}

/** How much a process grows at most, garbage included, beyond what it has when this is made (proc(5), VmHWM). */
export class GrowthMeter {
  readonly #pid: number
  readonly #before: number

  constructor(pid: number) {
    this.#pid = pid
    // Forgets earlier peaks.
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    this.#before = statusOf(pid, 'VmRSS')
  }

  /** Resident memory at its highest since then, less what there was, MiB. */
  get mib(): number {
    return (statusOf(this.#pid, 'VmHWM') - this.#before) / KIB_PER_MIB
  }
}

/** KiB. */
function statusOf(pid: number | 'self', name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? []
  return Number(kibibytes)
}
