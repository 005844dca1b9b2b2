import type { PlayerRequest } from './player.js'

const STEP_MS = 5_000
const LONG_STEP_MS = 60_000
const KEYS: Readonly<Record<string, PlayerRequest>> = {
  ' ': { kind: 'pause' },
  q: { kind: 'quit' },
  Q: { kind: 'quit' },
  '\u0004': { kind: 'quit' },
  '\u0003': { kind: 'interrupt' },
  '\u001b[C': { kind: 'move', byMs: STEP_MS },
  '\u001b[D': { kind: 'move', byMs: -STEP_MS },
  '\u001b[A': { kind: 'move', byMs: LONG_STEP_MS },
  '\u001b[B': { kind: 'move', byMs: -LONG_STEP_MS },
}
const ESC = '\u001b'
// An arrow, whichever way the terminal says it, else one character.
const KEY = new RegExp(`${ESC}[[O][A-D]|[\\s\\S]`, 'gu')

/**
 * What the keys of one read stand for; other keys for nothing.
 *
 * @param durationMs Digits jump to so many tenths of it; null when nobody knows it.
 */
export function toRequests(keys: string, durationMs: number | null): PlayerRequest[] {
  return [...keys.matchAll(KEY)].flatMap(([key]) => {
    const known = KEYS[key.replace('\u001bO', '\u001b[')]
    if (known) return [known]
    const isTenth = /^\d$/.test(key) && durationMs !== null
    return isTenth ? [{ kind: 'jump', toMs: (durationMs * Number(key)) / 10 }] : []
  })
}
