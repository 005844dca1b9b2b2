import type { TerminalSize } from '../../model/terminal.js'
import type { FrameRecords } from '../recording-reader.js'
import type { Playback, PlayedEvent } from './playback.js'

/** What is exported of a recording, milliseconds since it began. */
export interface TimeRange {
  readonly fromMs: number
  /** Undefined: to the end. */
  readonly toMs: number | undefined
}

export interface CutStart {
  readonly kind: 'start'
  readonly timeUs: 0
  /** Of the terminal where the cut begins. */
  readonly size: TerminalSize
  readonly term: string | null
}

/** So much of what was printed before the cut is played at once, so that it begins with the right screen. */
const MAX_BEFORE = 1024 * 1024

/**
 * The events within the range, their times counted from its beginning, after one that says how it begins. Reads and
 * holds one frame at a time.
 */
export async function* cut(
  frames: AsyncIterable<FrameRecords>,
  playback: Playback,
  { range: { fromMs, toMs }, withScreen }: { range: TimeRange; withScreen: boolean },
): AsyncGenerator<CutStart | PlayedEvent> {
  const fromUs = fromMs * 1000
  const untilUs = toMs === undefined ? Number.POSITIVE_INFINITY : toMs * 1000
  const before = new Tail()
  let hasBegun = false
  for await (const event of eventsUntil(untilUs, frames, playback)) {
    if (event.timeUs < fromUs) {
      if (event.kind === 'output' && withScreen) before.push(event.text)
      continue
    }
    if (!hasBegun) yield* begin(playback, before)
    hasBegun = true
    yield { ...event, timeUs: event.timeUs - fromUs }
  }
  if (!hasBegun) yield* begin(playback, before)
}

async function* eventsUntil(
  untilUs: number,
  frames: AsyncIterable<FrameRecords>,
  playback: Playback,
): AsyncGenerator<PlayedEvent> {
  for await (const { records } of frames) {
    for (const record of records) {
      if (record.timeUs > untilUs) return
      yield* playback.take(record)
    }
  }
}

function* begin({ size, term }: Playback, before: Tail): Generator<CutStart | PlayedEvent> {
  yield { kind: 'start', timeUs: 0, size, term }
  const text = before.toString()
  if (text !== '') yield { kind: 'output', timeUs: 0, text }
}

/** The last of a long text. */
class Tail {
  #pieces: string[] = []
  #length = 0

  push(text: string): void {
    this.#pieces.push(text)
    this.#length += text.length
    if (this.#length > 2 * MAX_BEFORE) this.#pieces = [this.toString()]
  }

  /** Not from the middle of an escape sequence on. */
  toString(): string {
    const whole = this.#pieces.join('')
    const text = whole.slice(-MAX_BEFORE)
    const start = text.length === whole.length ? 0 : Math.max(text.indexOf('\u001b'), 0)
    this.#length = text.length - start
    return text.slice(start)
  }
}
