import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

/** A shell command that runs until it is killed, and can be found in the list of processes. */
export interface Marked {
  readonly command: string
  /** Process ids of the shells that run it. */
  pids(): number[]
}

/** @param script What the marked shell does; without `exec`, so that its children are a group with it. */
export function marked(script = 'while :; do sleep 60; done'): Marked {
  const marker = `krown-marked-${randomUUID()}`
  return { command: `exec sh -c '${script}' ${marker}`, pids: () => processesWith(marker) }
}

function processesWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid).includes(marker))
    .map(Number)
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
