/** The beginning of an asciicast. */
export interface CastHeader {
  readonly columns: number
  readonly rows: number
}

/** What happens in it. */
export interface CastEvent {
  /** Since its beginning, milliseconds. */
  readonly atMs: number
  /** `o` is output, `r` a resize, `m` a marker. */
  readonly code: string
  readonly data: string
}

/** No server makes longer lines. */
const MAX_LINE = 64 * 1024 * 1024

/**
 * Reads an asciicast of version 3 as it comes.
 *
 * @throws Error when it is none.
 */
export async function* readCast(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ header: CastHeader } | CastEvent> {
  let header: CastHeader | undefined
  let atMs = 0
  for await (const line of linesOf(pieces)) {
    const value: unknown = JSON.parse(line)
    if (!header) {
      header = toHeader(value)
      yield { header }
    } else if (isEvent(value)) {
      atMs += Math.max(value[0], 0) * 1000
      yield { atMs, code: value[1], data: value[2] }
    }
  }
}

async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let waiting = ''
  for await (const piece of pieces) {
    waiting += decoder.decode(piece, { stream: true })
    if (waiting.length > MAX_LINE) throw new Error('a line of the recording has no end')
    if (!waiting.includes('\n')) continue
    const lines = waiting.split('\n')
    waiting = lines.pop() ?? ''
    yield* lines.filter((line) => line !== '' && !line.startsWith('#'))
  }
  if (waiting !== '') yield waiting
}

function toHeader(value: unknown): CastHeader {
  const { version, term } = value as { version?: unknown; term?: { cols?: unknown; rows?: unknown } }
  if (version !== 3 || !Number.isInteger(term?.cols) || !Number.isInteger(term?.rows)) {
    throw new Error('the server sent what is no recording')
  }
  return { columns: Number(term?.cols), rows: Number(term?.rows) }
}

function isEvent(value: unknown): value is [number, string, string] {
  if (!Array.isArray(value)) return false
  const [interval, code, data] = value
  return Number.isFinite(interval) && typeof code === 'string' && typeof data === 'string'
}
