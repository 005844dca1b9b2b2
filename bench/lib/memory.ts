import { readFileSync, writeFileSync } from 'node:fs'

const KIB_PER_MIB = 1024
const BYTES_PER_KIB = 1024

/**
 * Objects and buffers of this thread that are in use, KiB; exact after a garbage collection. Resident memory is not:
 * what V8, the allocator and other threads keep and give back as they see fit is tens of MiB, more than some thousand
 * connections take, so that the difference of two values may even be negative. Left out is what OpenSSL and libuv hold
 * for a connection.
 */
export function memoryInUseKiB(): number {
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / BYTES_PER_KIB
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
function statusOf(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? []
  return Number(kibibytes)
}
