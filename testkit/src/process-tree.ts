import { readdirSync, readFileSync } from 'node:fs'
import { runProcess } from './child-process.js'

/** Ids of the process and of all its descendants, parents first. */
export async function processTree(rootPid: number): Promise<number[]> {
  const parents = await parentByPid()
  const found = [rootPid]
  for (const pid of found) {
    for (const [child, parent] of parents) if (parent === pid) found.push(child)
  }
  return found
}

/** Sends the signal to each process (negative: process group) that still exists. */
export function signalAll(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    // To kill(2), 0 is our own group and -1 is every process there is.
    if (!Number.isInteger(pid) || Math.abs(pid) <= 1) throw new Error(`refusing to signal process ${pid}`)
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Processes whose environment holds the text (Linux only; elsewhere empty). */
export function processesWithEnvironment(matches: RegExp): number[] {
  return procPids().filter((pid) => matches.test(readProc(pid, 'environ')))
}

/** Whether the process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return afterName(readProc(pid, 'stat'))[0] !== 'Z'
}

async function parentByPid(): Promise<Map<number, number>> {
  const pids = procPids()
  if (pids.length > 0) return new Map(pids.map((pid) => [pid, Number(afterName(readProc(pid, 'stat'))[1])]))
  const lines = (await runProcess({ command: 'ps', args: ['-A', '-o', 'pid=,ppid='] })).trim().split('\n')
  return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]))
}

/** State, parent and the rest: the name before them may itself hold spaces and parentheses. */
function afterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function procPids(): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // The process ended since it was listed.
    return ''
  }
}
