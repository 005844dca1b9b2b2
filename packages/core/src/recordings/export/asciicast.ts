import type { Recording } from '../../model/recording.js'
import type { CutStart } from './cut.js'
import type { PlayedEvent } from './playback.js'

/** How long a player waits at most where nothing happened: seconds. */
const IDLE_TIME_LIMIT_S = 5

/**
 * The lines of an asciicast, version 3 (https://docs.asciinema.org/manual/asciicast/v3/) or 2, each with its line end.
 * Version 3 counts time from the event before, version 2 from the beginning; both in seconds to the millisecond.
 */
export async function* toAsciicast(
  events: AsyncIterable<CutStart | PlayedEvent>,
  { version, recording }: { version: 2 | 3; recording: Recording },
): AsyncGenerator<string> {
  let beforeMs = 0
  for await (const event of events) {
    if (event.kind === 'start') {
      yield toLine(version === 3 ? headerOf(recording, event) : oldHeaderOf(recording, event))
      continue
    }
    const [code, data] = toEvent(event)
    // Version 2 knows of no exit.
    if (version === 2 && code === 'x') continue
    const atMs = Math.max(Math.round(event.timeUs / 1000), beforeMs)
    yield toLine([(version === 3 ? atMs - beforeMs : atMs) / 1000, code, data])
    beforeMs = atMs
  }
}

function headerOf(recording: Recording, { size, term }: CutStart) {
  return {
    version: 3,
    term: { cols: size.columns, rows: size.rows, ...(term !== null && { type: term }) },
    ...common(recording),
    // Readers have to pass over what they do not know.
    krown: { recordingId: recording.id, sessionId: recording.sessionId, kind: recording.kind },
  }
}

function oldHeaderOf(recording: Recording, { size, term }: CutStart) {
  const env = term === null ? {} : { env: { TERM: term } }
  return { version: 2, width: size.columns, height: size.rows, ...common(recording), ...env }
}

function common({ startedAt, id }: Recording) {
  return {
    timestamp: Math.floor(Date.parse(startedAt) / 1000),
    idle_time_limit: IDLE_TIME_LIMIT_S,
    title: `Krown recording ${id}`,
  }
}

function toEvent(event: PlayedEvent): [code: string, data: string] {
  switch (event.kind) {
    case 'resize':
      return ['r', `${event.size.columns}x${event.size.rows}`]
    case 'output':
      return ['o', event.text]
    case 'input':
      return ['i', event.text]
    case 'marker':
    case 'notice':
      return ['m', event.text]
    case 'exit':
      return ['x', event.text]
  }
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
