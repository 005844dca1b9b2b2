import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

const SIGTERM_BIT = 1n << 14n

/** A shell command that runs until it is killed, and can be found in the list of processes. */
export interface Marked {
  readonly command: string
  /** Process ids of the shells that run it. */
  pids(): number[]
  /** True once it runs and has set the trap for TERM that it begins with, if it does. */
  isReady(): boolean
}

/** @param script What the marked shell does; without `exec`, so that its children are a group with it. */
export function marked(script = 'while :; do sleep 60; done'): Marked {
  const marker = `krown-marked-${randomUUID()}`
  const pids = () => processesWith(marker)
  const isReady = script.startsWith('trap') ? () => pids().some(handlesTerm) : () => pids().length > 0
  return { command: `exec sh -c '${script}' ${marker}`, pids, isReady }
}

function processesWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid).includes(marker))
    .map(Number)
}

/** Ignores it or has a handler: of a signal that comes before the trap, the process would just die. */
function handlesTerm(pid: number): boolean {
  const masks = [...statusOf(pid).matchAll(/^Sig(?:Ign|Cgt):\s*([0-9a-f]+)$/gm)]
  return masks.some(([, mask]) => (BigInt(`0x${mask}`) & SIGTERM_BIT) !== 0n)
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
