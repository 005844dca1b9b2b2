import { readFileSync, writeFileSync } from 'node:fs'

const KIB_PER_MIB = 1024

/**
 * The resident memory of a process that no file backs, KiB: the kernel may drop pages of Node's own program at any
 * time, which would make the difference of two whole RSS values mean nothing. Linux only.
 */
export function anonymousMemoryKiB(pid: number | 'self'): number {
  return statusOf(pid, 'RssAnon')
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
