import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { OrgId, RecordingId, SessionId, UserId } from '../../model/ids.js'
import type { Recording } from '../../model/recording.js'
import type { RecordingFormat } from '../../model/recording-export.js'
import { encodeFooter } from '../format/footer.js'
import { FrameCipher } from '../format/frame-cipher.js'
import { encodeHeader } from '../format/header.js'
import { encodeRecords, type RecordingRecord } from '../format/record.js'
import { RecordingReader } from '../recording-reader.js'
import type { RecordingSource } from '../recording-store.js'
import { exportRecording } from './export-recording.js'
import { toHtml } from './html.js'

const SECOND = 1_000_000

const recording: Recording = {
  id: '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b12' as RecordingId,
  orgId: '01932c1e-0000-7000-8000-000000000001' as OrgId,
  sessionId: '01932c1f-10b4-7a52-8c11-6f2b9e7d4a03' as SessionId,
  userId: '01932c1e-7c3a-7d1e-9b1f-2a6c5d4e3f01' as UserId,
  kind: 'terminal',
  commandId: null,
  status: 'closed',
  startedAt: '2026-11-22T09:32:00.000Z',
  endedAt: null,
  durationMs: null,
  fileBytes: null,
  plainBytes: null,
  sha256: null,
  lostBytes: 0,
  deletedAt: null,
}

type Part = Pick<RecordingRecord, 'kind'> & {
  at: number
  channel?: number
  data: string | Buffer | object
}

const shell = (size: object = { columns: 100, rows: 30 }): Part => ({
  kind: 'channel_start',
  at: 0,
  data: { commandId: 'c', kind: 'shell', command: '', terminal: { term: 'xterm', ...size }, at: '' },
})
const exec = (channel: number, at: number, command: string): Part => ({
  kind: 'channel_start',
  at,
  channel,
  data: { commandId: `c${channel}`, kind: 'exec', command, terminal: null, at: '' },
})
const out = (at: number, data: string | Buffer, channel = 1): Part => ({ kind: 'stdout', at, channel, data })

/** A file of one frame for each of `parts`, times in seconds. */
function fileOf(parts: readonly Part[], { whole = true } = {}) {
  const { id: recordingId, orgId, sessionId, kind, startedAt } = recording
  const key = randomBytes(32)
  const cipher = new FrameCipher(key, { recordingId, orgId })
  const pieces = [encodeHeader({ recordingId, orgId, sessionId, kind, startedAt })]
  let before = 0
  for (const [number, { at, data, kind, channel = 1 }] of parts.entries()) {
    const bytes = Buffer.isBuffer(data)
      ? data
      : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data))
    const timeUs = at * SECOND
    const plain = encodeRecords([{ kind, channel, timeUs, data: bytes }], before)
    pieces.push(...cipher.seal(plain, { number, final: false }))
    before = timeUs
  }
  if (whole) {
    const offset = pieces.reduce((sum, { length }) => sum + length, 0)
    pieces.push(...cipher.seal(Buffer.alloc(0), { number: parts.length, final: true }))
    pieces.push(encodeFooter({ offset, number: parts.length }))
  }
  return { bytes: Buffer.concat(pieces), key }
}

function sourceOf(bytes: Buffer): RecordingSource {
  return {
    read: async (into, at) => bytes.copy(into, 0, at),
    size: async () => bytes.length,
    close: async () => {},
  }
}

interface Wanted {
  format?: RecordingFormat
  from?: number
  to?: number
  recording?: Partial<Recording>
}

async function exported({ bytes, key }: ReturnType<typeof fileOf>, wanted: Wanted = {}): Promise<string> {
  const { format = 'asciicast-v3', from = 0, to } = wanted
  const { id: recordingId, orgId } = recording
  await using reader = await RecordingReader.open(sourceOf(bytes), { recordingId, orgId, key })
  const pieces: Uint8Array[] = []
  const range = { fromMs: from, toMs: to }
  for await (const piece of exportRecording(reader, { ...recording, ...wanted.recording }, { format, range }))
    pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const ended: Part = { kind: 'channel_end', at: 3, data: { exitCode: 3, signal: null, at: '' } }
const session = [
  shell(),
  out(1, 'one'),
  { kind: 'resize', at: 1.5, data: { columns: 80, rows: 24 } },
  out(2.0006, 'two'),
  ended,
] as const

test('asciicast v3 has the time since the event before', async () => {
  const [header, ...events] = linesOf(await exported(fileOf(session)))
  expect(header).toMatchObject({
    version: 3,
    term: { cols: 100, rows: 30, type: 'xterm' },
    timestamp: 1_795_339_920,
    krown: { recordingId: recording.id },
  })
  expect(events).toEqual([
    [1, 'o', 'one'],
    [0.5, 'r', '80x24'],
    [0.501, 'o', 'two'],
    [0.999, 'x', '3'],
  ])
})

test('asciicast v2 has the time since the beginning, and no exit', async () => {
  const [header, ...events] = linesOf(await exported(fileOf(session), { format: 'asciicast-v2' }))
  expect(header).toMatchObject({ version: 2, width: 100, height: 30, env: { TERM: 'xterm' } })
  expect(events).toEqual([
    [1, 'o', 'one'],
    [1.5, 'r', '80x24'],
    [2.001, 'o', 'two'],
  ])
})

test('a character and an escape sequence may be cut between frames', async () => {
  const bytes = Buffer.from('é\u001b]52;c;eA==\u0007\u001b[31mred')
  const parts = [...bytes].map((byte, index) => out(index, Buffer.from([byte])))
  const [, ...events] = linesOf(await exported(fileOf([shell(), ...parts])))
  expect(events.map(([, , data]) => data).join('')).toBe('é\u001b[31mred')
})

test('what is not UTF-8 is U+FFFD, also at the end', async () => {
  const [, ...events] = linesOf(
    await exported(fileOf([shell(), out(1, Buffer.from([0x61, 0xff, 0xc3])), ended])),
  )
  expect(events.slice(0, 2)).toEqual([
    [1, 'o', 'a\ufffd'],
    [2, 'o', '\ufffd'],
  ])
})

test('G09: a terminal of a billion columns is one of a thousand', async () => {
  const [header] = linesOf(await exported(fileOf([shell({ columns: 1e9, rows: -5 })])))
  expect(header.term).toMatchObject({ cols: 1000, rows: 1 })
})

test('commands without a terminal are announced, and marked', async () => {
  const parts = [
    exec(1, 0, 'ls\n\u001b]0;x\u0007 -l'),
    out(1, 'a\nb\n'),
    exec(2, 2, 'id'),
    out(3, 'root\n', 2),
  ]
  const [header, ...events] = linesOf(await exported(fileOf(parts), { recording: { kind: 'session' } }))
  expect(header.term).toEqual({ cols: 120, rows: 30 })
  expect(events).toEqual([
    [0, 'm', 'ls\n -l'],
    [0, 'o', '\u001b[0;2m$ ls\r\n -l\u001b[0m\r\n'],
    [1, 'o', 'a\r\nb\r\n'],
    [1, 'm', 'id'],
    [0, 'o', '\u001b[0;2m$ id\u001b[0m\r\n'],
    [1, 'o', 'root\r\n'],
  ])
})

test('of commands that print at once each is named again when it goes on', async () => {
  const parts = [exec(1, 0, 'a'), exec(2, 0, 'b'), out(1, 'of a', 1), out(2, 'of b\n', 2), out(3, 'a\n', 1)]
  const text = await exported(fileOf(parts), { format: 'text', recording: { kind: 'session' } })
  expect(text).toBe('$ a\n$ b\n$ a\nof a\n$ b\nof b\n$ a\na\n')
})

test('text has no escape sequences, and says how it ended', async () => {
  const parts = [shell(), out(1, '\u001b[1mbold\u001b[0m\r\nend'), ended]
  expect(await exported(fileOf(parts), { format: 'text' })).toBe('bold\nend\n[exit code 3]\n')
})

describe('cut by time', () => {
  test('begins with the screen of then, in the size of then', async () => {
    const [header, ...events] = linesOf(await exported(fileOf(session), { from: 1800 }))
    expect(header.term).toMatchObject({ cols: 80, rows: 24 })
    expect(events).toEqual([
      [0, 'o', 'one'],
      [0.201, 'o', 'two'],
      [0.999, 'x', '3'],
    ])
  })

  test('ends where it should', async () => {
    const [, ...events] = linesOf(await exported(fileOf(session), { to: 1200 }))
    expect(events).toEqual([[1, 'o', 'one']])
  })

  test('after the end there is only the last screen', async () => {
    const [, ...events] = linesOf(await exported(fileOf(session), { from: 100_000 }))
    expect(events).toEqual([[0, 'o', 'onetwo']])
  })

  test('of what was printed before, so much is kept as makes a screen', async () => {
    const long = Array.from({ length: 40 }, (_, at) => out(at, `\u001b[${at}m`.padEnd(100_000, 'x')))
    const [, [, , screen]] = linesOf(await exported(fileOf([shell(), ...long]), { from: 50_000 }))
    expect(screen.length).toBeLessThanOrEqual(1024 * 1024)
    expect(screen.slice(0, 2)).toBe('\u001b[')
  })
})

describe('G10: a recording that breaks off', () => {
  const incomplete = { recording: { status: 'incomplete' } } as const

  test('is exported up to there, and says so', async () => {
    const [, ...events] = linesOf(await exported(fileOf(session, { whole: false }), incomplete))
    expect(events.at(-1)).toEqual([0, 'm', 'the recording is incomplete and ends here'])
  })

  test('names the frame that was changed', async () => {
    const { bytes, key } = fileOf(session)
    bytes[bytes.length - 60] = (bytes[bytes.length - 60] ?? 0) ^ 1
    const text = await exported({ bytes, key }, { format: 'text', recording: { status: 'closed' } })
    expect(text).toMatch(
      /^onetwo\n.*\[the recording is incomplete and ends here, at frame [45]: changed\]\n$/s,
    )
  })

  test('one that goes on just ends, for now', async () => {
    const wanted = { recording: { status: 'recording' } } as const
    const text = await exported(fileOf(session, { whole: false }), wanted)
    expect(text).not.toContain('incomplete')
  })
})

describe('HTML', () => {
  test('what was printed cannot end the script that it is in', async () => {
    const parts = [shell(), out(1, '</script><script>alert(1)</script><!--')]
    const page = await exported(fileOf(parts), { format: 'html' })
    expect(page).not.toContain('alert(1)</script>')
    expect(page).toContain('\\u003c/script>\\u003cscript>alert(1)')
  })

  test('names nothing outside of itself, and may ask nobody', async () => {
    const page = await exported(fileOf(session), { format: 'html' })
    expect(page).not.toMatch(/<(?:script|link|img|iframe)[^>]+(?:src|href)=/)
    expect(page).toContain("default-src 'none'")
  })

  test('of one that is too large the rest is left out, and said so', async () => {
    const page = { before: '<page>', after: (notice: string | undefined) => `</page>${notice ?? ''}` }
    const lines = async function* () {
      for (let at = 0; at < 100; at++) yield `${'x'.repeat(1000)}\n`
    }
    let html = ''
    for await (const piece of toHtml(page, lines(), 10_000)) html += piece
    expect(html.length).toBeLessThanOrEqual(10_000)
    expect(html.length).toBeGreaterThan(8000)
    expect(html).toContain('The rest is left out')
  })
})
