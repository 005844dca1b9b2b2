import type { CommandSummary } from '@krown/sdk'

interface Piece {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** What happened to a command, in order. */
export type Change =
  | ({ readonly type: 'text' } & Piece)
  | { readonly type: 'gap'; readonly bytes: number }
  | { readonly type: 'finished'; readonly command: CommandSummary }

/** A command as it is shown. */
export interface Screen {
  readonly pieces: readonly Piece[]
  /** Characters that were dropped from the beginning. */
  readonly dropped: number
  /** Bytes that never arrived. */
  readonly missing: number
  /** Null while it runs. */
  readonly result: CommandSummary | null
}

export const EMPTY_SCREEN: Screen = { pieces: [], dropped: 0, missing: 0, result: null }

/** A page with more text than this is no help to anybody, and slow. */
const MAX_CHARACTERS = 100_000
/** As many as a command makes that writes to both streams in turn. */
const MAX_PIECES = 2_000

export function applyChange(screen: Screen, change: Change): Screen {
  if (change.type === 'finished') return { ...screen, result: change.command }
  if (change.type === 'gap') return { ...screen, missing: screen.missing + change.bytes }
  return withinLimit({ ...screen, pieces: append(screen.pieces, change) })
}

function append(pieces: readonly Piece[], { stream, text }: Piece): readonly Piece[] {
  const last = pieces.at(-1)
  if (last?.stream !== stream) return [...pieces, { stream, text }]
  return [...pieces.slice(0, -1), { stream, text: last.text + text }]
}

/** What is newest is what somebody waits for. */
function withinLimit(screen: Screen): Screen {
  const kept: Piece[] = []
  let room = MAX_CHARACTERS
  for (const { stream, text } of screen.pieces.toReversed()) {
    if (room === 0 || kept.length === MAX_PIECES) break
    const end = text.slice(-room)
    kept.push({ stream, text: end })
    room -= end.length
  }
  const lost = lengthOf(screen.pieces) - lengthOf(kept)
  return lost === 0 ? screen : { ...screen, pieces: kept.reverse(), dropped: screen.dropped + lost }
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { text }) => sum + text.length, 0)
}
