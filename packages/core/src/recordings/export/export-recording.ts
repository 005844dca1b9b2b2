import type { Recording } from '../../model/recording.js'
import type { RecordingFormat } from '../../model/recording-export.js'
import type { RecordingReader } from '../recording-reader.js'
import { toAsciicast } from './asciicast.js'
import { type CutStart, cut, type TimeRange } from './cut.js'
import { toHtml } from './html.js'
import { htmlPage } from './html-page.js'
import { Playback, type PlayedEvent } from './playback.js'
import { toText } from './text.js'

export interface ExportOptions {
  readonly format: RecordingFormat
  readonly range: TimeRange
}

/** Pieces that are sent are about so large. */
const PIECE_CHARS = 64 * 1024

/** A recording in another format, in pieces; nothing is read before somebody takes the first. */
export async function* exportRecording(
  reader: RecordingReader,
  recording: Recording,
  { format, range }: ExportOptions,
): AsyncGenerator<Uint8Array> {
  const rendering = format === 'text' ? 'text' : 'terminal'
  const hasTerminal = recording.kind === 'terminal'
  const playback = new Playback({ rendering, hasTerminal })
  const withScreen = hasTerminal && rendering === 'terminal'
  const events = withEnding(reader, recording, cut(reader.frames(), playback, { range, withScreen }))
  yield* inPieces(await write(events, recording, format))
}

async function write(
  events: AsyncIterable<CutStart | PlayedEvent>,
  recording: Recording,
  format: RecordingFormat,
): Promise<AsyncIterable<string>> {
  if (format === 'text') return toText(events)
  if (format === 'html') {
    return toHtml(await htmlPage(recording), toAsciicast(events, { version: 3, recording }))
  }
  return toAsciicast(events, { version: format === 'asciicast-v2' ? 2 : 3, recording })
}

/** Says of a recording that breaks off that it does. */
async function* withEnding(
  reader: RecordingReader,
  { status }: Recording,
  events: AsyncIterable<CutStart | PlayedEvent>,
): AsyncGenerator<CutStart | PlayedEvent> {
  let timeUs = 0
  for await (const event of events) {
    timeUs = event.timeUs
    yield event
  }
  const { ending } = reader
  // Undefined when it was cut before its end.
  if (!ending || ending.complete || (status === 'recording' && !ending.problem)) return
  const { problem } = ending
  const where = problem ? `, at frame ${problem.frame}: ${problem.reason}` : ''
  yield { kind: 'notice', timeUs, text: `the recording is incomplete and ends here${where}` }
}

async function* inPieces(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let waiting = ''
  for await (const text of texts) {
    waiting += text
    if (waiting.length < PIECE_CHARS) continue
    yield Buffer.from(waiting)
    waiting = ''
  }
  if (waiting !== '') yield Buffer.from(waiting)
}
