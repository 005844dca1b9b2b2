import type { CutStart } from './cut.js'
import type { PlayedEvent } from './playback.js'

/** What was printed, to read and to search; what is not shown in a terminal's text is in brackets, in lines of its own. */
export async function* toText(events: AsyncIterable<CutStart | PlayedEvent>): AsyncGenerator<string> {
  let atLineStart = true
  for await (const event of events) {
    const text = textOf(event, atLineStart)
    if (text === '') continue
    yield text
    atLineStart = text.endsWith('\n')
  }
  if (!atLineStart) yield '\n'
}

function textOf(event: CutStart | PlayedEvent, atLineStart: boolean): string {
  if (event.kind === 'output') return event.text
  const note = noteOf(event)
  return note === undefined ? '' : `${atLineStart ? '' : '\n'}[${note}]\n`
}

function noteOf(event: CutStart | PlayedEvent): string | undefined {
  if (event.kind === 'notice') return event.text
  return event.kind === 'exit' && event.text !== '0' ? `exit code ${event.text}` : undefined
}
