import { readVarint, varintLength, writeVarint } from './varint.js'

/** What a record of a recording is, and the byte that says so. Readers pass over kinds that they do not know. */
export const RECORD_KINDS = {
  /** Bytes that the target printed. */
  stdout: 1,
  stderr: 2,
  /** Bytes that somebody typed; only where it is configured. */
  input: 3,
  /** JSON: `columns` and `rows` of the terminal from now on. */
  resize: 4,
  /** Text for who watches, such as a warning that the recording is nearly full. */
  marker: 5,
  /** JSON: so many `bytes` of output went by and could not be written. */
  gap: 6,
  /** JSON: what begins in the channel, see {@link ChannelStart}. */
  channel_start: 7,
  /** JSON: how it ended, see {@link ChannelFinish}. */
  channel_end: 8,
  /** JSON: where frames begin, in the last frame; see `TimeIndex`. */
  index: 9,
} as const
/** One of `RECORD_KINDS`. */
export type RecordKind = keyof typeof RECORD_KINDS

/** Content of a `channel_start` record. */
export interface ChannelStart {
  /** Id of its row in the command log. */
  readonly commandId: string
  readonly kind: 'exec' | 'shell'
  readonly command: string
  /** Null without one. */
  readonly terminal: { readonly term: string; readonly columns: number; readonly rows: number } | null
  /** Wall clock, ISO 8601 in UTC. The order of records says what came first, not this. */
  readonly at: string
}

/** Content of a `channel_end` record. */
export interface ChannelFinish {
  readonly exitCode: number | null
  readonly signal: string | null
  /** Wall clock, ISO 8601 in UTC. */
  readonly at: string
}

export interface RecordingRecord {
  readonly kind: RecordKind
  /** Microseconds since the recording began, by a clock that never goes back. */
  readonly timeUs: number
  /** 0 is the recording itself; channels count from 1. */
  readonly channel: number
  readonly data: Buffer
}

const KIND_OF_BYTE = new Map<number, RecordKind>(
  Object.entries(RECORD_KINDS).map(([kind, byte]) => [byte, kind as RecordKind]),
)

/** @param sinceUs Time of the record before the first. @returns The plain of one frame. */
export function encodeRecords(records: readonly RecordingRecord[], sinceUs: number): Buffer {
  let size = 0
  let before = sinceUs
  for (const { timeUs, channel, data } of records) {
    size +=
      1 + varintLength(timeUs - before) + varintLength(channel) + varintLength(data.length) + data.length
    before = timeUs
  }
  const plain = Buffer.allocUnsafe(size)
  let at = 0
  before = sinceUs
  for (const record of records) {
    at = writeRecord(plain, at, { record, deltaUs: record.timeUs - before })
    before = record.timeUs
  }
  return plain
}

function writeRecord(
  into: Buffer,
  at: number,
  { record: { kind, channel, data }, deltaUs }: { record: RecordingRecord; deltaUs: number },
): number {
  into[at] = RECORD_KINDS[kind]
  let next = writeVarint(into, at + 1, deltaUs)
  next = writeVarint(into, next, channel)
  next = writeVarint(into, next, data.length)
  return next + data.copy(into, next)
}

/** What {@link encodeRecords} made; `data` are views of `plain`. @returns Undefined when it is no such thing. */
export function decodeRecords(
  plain: Buffer,
  sinceUs: number,
): { records: RecordingRecord[]; endUs: number } | undefined {
  const records: RecordingRecord[] = []
  let timeUs = sinceUs
  for (let at = 0; at < plain.length; ) {
    const [deltaUs, channel, length] = readThree(plain, at + 1)
    if (!deltaUs || !channel || !length || length.next + length.value > plain.length) return undefined
    timeUs += deltaUs.value
    const data = plain.subarray(length.next, length.next + length.value)
    const kind = KIND_OF_BYTE.get(plain[at] ?? 0)
    if (kind) records.push({ kind, timeUs, channel: channel.value, data })
    at = length.next + length.value
  }
  return { records, endUs: timeUs }
}

function readThree(from: Buffer, at: number) {
  const first = readVarint(from, at)
  const second = first && readVarint(from, first.next)
  const third = second && readVarint(from, second.next)
  return [first, second, third] as const
}
