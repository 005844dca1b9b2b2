import { KrownClientError } from '../errors/errors.js'

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** No answer of a Krown server comes near. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * The text of an answer that was asked for with `redirect: 'manual'`.
 *
 * @throws KrownClientError UNKNOWN when it leads elsewhere, or has no end; whatever reading throws.
 */
export async function textOf(response: Response): Promise<string> {
  // Browsers do not tell the status.
  if (response.type === 'opaqueredirect' || REDIRECTS.has(response.status)) {
    await response.body?.cancel()
    throw refused('REDIRECTED', 'the server redirects: use its real URL')
  }
  return response.body ? readText(response.body) : ''
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.byteLength
    if (bytes > MAX_BYTES) {
      await reader.cancel()
      throw refused('ANSWER_TOO_LARGE', `the answer of the server is longer than ${MAX_BYTES} bytes`)
    }
    text += decoder.decode(part.value, { stream: true })
  }
  return text + decoder.decode()
}

function refused(rawCode: string, message: string): KrownClientError {
  return new KrownClientError('UNKNOWN', message, { kind: 'internal', rawCode })
}
