import { readFileSync } from 'node:fs'

/**
 * Milliseconds of CPU that the main thread of this process has had. The kernel counts them (schedstat, in
 * nanoseconds), so that neither other threads (`process.cpuUsage` counts the database's too) nor other programs
 * that want the core (event loop utilisation is wall-clock time) are in it. Linux only.
 */
export function mainThreadCpuMs(): number {
  const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1e6
}
