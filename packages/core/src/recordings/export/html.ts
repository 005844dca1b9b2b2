import { type HtmlPage, toPageText } from './html-page.js'

/** Browsers hold the whole of it. */
const MAX_HTML_BYTES = 50 * 1024 * 1024

/**
 * The page around the lines of an asciicast, in pieces; of one that would be larger than `maxBytes` the rest is left out,
 * and the page says so.
 */
export async function* toHtml(
  page: HtmlPage,
  lines: AsyncIterable<string>,
  maxBytes = MAX_HTML_BYTES,
): AsyncGenerator<string> {
  const tooLong = `The rest is left out: a page has at most ${Math.floor(maxBytes / 1024 / 1024)} MiB. Export the rest with a later beginning.`
  let room = maxBytes - Buffer.byteLength(page.before) - Buffer.byteLength(page.after(tooLong))
  yield page.before
  for await (const line of lines) {
    const text = toPageText(line)
    room -= Buffer.byteLength(text)
    if (room < 0) {
      yield page.after(tooLong)
      return
    }
    yield text
  }
  yield page.after(undefined)
}
