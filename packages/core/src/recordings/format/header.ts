import type { OrgId, RecordingId, SessionId } from '../../model/ids.js'
import type { RecordingKind } from '../../model/recording.js'

/** What a file says about itself before its first frame. Not secret, and believed only where the row says the same. */
export interface RecordingHeader {
  readonly recordingId: RecordingId
  readonly orgId: OrgId
  readonly sessionId: SessionId
  readonly kind: RecordingKind
  /** Wall clock, ISO 8601 in UTC. */
  readonly startedAt: string
}

const MAGIC = Buffer.from('KROWNREC')
const VERSION = 1
/** Magic, version (u16) and length of the JSON (u32), both most significant byte first. */
export const PREFIX_BYTES = MAGIC.length + 6
const MAX_JSON_BYTES = 64 * 1024

export function encodeHeader(header: RecordingHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(PREFIX_BYTES)
  MAGIC.copy(prefix)
  prefix.writeUInt16BE(VERSION, MAGIC.length)
  prefix.writeUInt32BE(json.length, MAGIC.length + 2)
  return Buffer.concat([prefix, json])
}

/** @returns How many bytes of JSON follow; undefined when it is no recording, or one of another version. */
export function decodePrefix(prefix: Buffer): number | undefined {
  if (prefix.length < PREFIX_BYTES || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  if (prefix.readUInt16BE(MAGIC.length) !== VERSION) return undefined
  const length = prefix.readUInt32BE(MAGIC.length + 2)
  return length <= MAX_JSON_BYTES ? length : undefined
}

/** @returns Undefined when it is not JSON of an object. */
export function decodeHeader(json: Buffer): Partial<RecordingHeader> | undefined {
  try {
    const header: unknown = JSON.parse(json.toString('utf8'))
    return typeof header === 'object' && header !== null ? header : undefined
  } catch {
    return undefined
  }
}
