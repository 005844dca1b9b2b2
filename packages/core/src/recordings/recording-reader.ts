import { createHash, type Hash } from 'node:crypto'
import { KrownError } from '../errors/krown-error.js'
import type { OrgId, RecordingId } from '../model/ids.js'
import { decodeFooter, FOOTER_BYTES } from './format/footer.js'
import { decodeLength, FrameCipher, type FrameId, LENGTH_BYTES, TAG_BYTES } from './format/frame-cipher.js'
import { decodeHeader, decodePrefix, PREFIX_BYTES, type RecordingHeader } from './format/header.js'
import { decodeRecords, type RecordingRecord } from './format/record.js'
import { type FramePlace, TimeIndex } from './format/time-index.js'
import type { RecordingSource } from './recording-store.js'

/** The records of one frame. */
export interface FrameRecords extends FramePlace {
  readonly records: readonly RecordingRecord[]
}

/** How the reading of a file ended. */
export interface RecordingEnding {
  /** The last frame says that nothing follows. False while it is being recorded, and when the recorder was killed. */
  readonly complete: boolean
  /** Good frames. */
  readonly frames: number
  /** Of the plain of all good frames, as `sha256` is; null when the reading did not begin at the beginning. */
  readonly bytes: number | null
  readonly sha256: string | null
  /** What was not as it was written, and from which frame on; null where the file just ends between two frames. */
  readonly problem: { readonly frame: number; readonly reason: 'truncated' | 'changed' } | null
}

type ReadFrame =
  | { readonly ends: 'open' | 'truncated' | 'changed' }
  | {
      readonly plain: Buffer
      readonly records: RecordingRecord[]
      readonly final: boolean
      /** Of the frame in the file. */
      readonly size: number
      readonly endUs: number
    }

const READ_AHEAD_BYTES = 256 * 1024

/** Reads the file of one recording, frame by frame; one that still grows, up to what is there. */
export class RecordingReader implements AsyncDisposable {
  readonly header: RecordingHeader
  readonly #source: RecordingSource
  readonly #cipher: FrameCipher
  readonly #firstFrameAt: number
  #window = { at: 0, bytes: Buffer.alloc(0) }
  #ending: RecordingEnding | undefined

  private constructor(parts: {
    source: RecordingSource
    cipher: FrameCipher
    header: RecordingHeader
    firstFrameAt: number
  }) {
    this.#source = parts.source
    this.#cipher = parts.cipher
    this.header = parts.header
    this.#firstFrameAt = parts.firstFrameAt
  }

  /**
   * @param expected What the row says.
   * @throws KrownError INTERNAL when the file is none, or of another recording or organization.
   */
  static async open(
    source: RecordingSource,
    expected: { recordingId: RecordingId; orgId: OrgId; key: Buffer },
  ): Promise<RecordingReader> {
    const prefix = Buffer.alloc(PREFIX_BYTES)
    const read = await source.read(prefix, 0)
    const length = decodePrefix(prefix.subarray(0, read))
    const json = Buffer.alloc(length ?? 0)
    const whole = length !== undefined && (await source.read(json, PREFIX_BYTES)) === length
    const header = whole ? decodeHeader(json) : undefined
    if (!header) throw unreadable('it has no header')
    if (header.recordingId !== expected.recordingId || header.orgId !== expected.orgId) {
      throw unreadable('it is the file of another recording')
    }
    const cipher = new FrameCipher(expected.key, expected)
    const firstFrameAt = PREFIX_BYTES + json.length
    return new RecordingReader({ source, cipher, header: header as RecordingHeader, firstFrameAt })
  }

  /** After `frames` came to its end: how. */
  get ending(): RecordingEnding | undefined {
    return this.#ending
  }

  /** Good frames in their order, from the beginning or from a place of the index. Never throws for what is broken. */
  async *frames(from?: FramePlace): AsyncGenerator<FrameRecords> {
    this.#ending = undefined
    const place = { frame: 0, offset: this.#firstFrameAt, sinceUs: 0, ...from }
    const digest = from ? undefined : { hash: createHash('sha256'), bytes: 0 }
    for (;;) {
      const frame = await this.#readFrame(place)
      if ('ends' in frame) return this.#end(frame.ends, { frames: place.frame, digest })
      digest?.hash.update(frame.plain)
      if (digest) digest.bytes += frame.plain.length
      yield { ...place, records: frame.records }
      place.frame += 1
      place.offset += frame.size
      place.sinceUs = frame.endUs
      if (frame.final) return this.#end('complete', { frames: place.frame, digest })
    }
  }

  /** The index that the recorder made; undefined when the recording is not complete. */
  async index(): Promise<TimeIndex | undefined> {
    const size = await this.#source.size()
    const footer = decodeFooter((await this.#bytes(size - FOOTER_BYTES, FOOTER_BYTES)) ?? Buffer.alloc(0))
    if (!footer) return undefined
    const frame = await this.#readFrame({ frame: footer.number, offset: footer.offset, sinceUs: 0 })
    if ('ends' in frame || !frame.final) return undefined
    const record = frame.records.find(({ kind }) => kind === 'index')
    return record && TimeIndex.decode(record.data)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.close()
  }

  async #readFrame({ frame, offset, sinceUs }: FramePlace): Promise<ReadFrame> {
    const start = await this.#bytes(offset, LENGTH_BYTES)
    if (!start) return { ends: (await this.#isEnd(offset)) ? 'open' : 'truncated' }
    const said = decodeLength(start)
    if (!said) return { ends: 'changed' }
    const rest = await this.#bytes(offset + LENGTH_BYTES, said.length + TAG_BYTES)
    if (!rest) return { ends: 'truncated' }
    const plain = this.#decrypt(rest, { number: frame, final: said.final })
    const decoded = plain && decodeRecords(plain, sinceUs)
    if (!plain || !decoded) return { ends: 'changed' }
    return { plain, final: said.final, size: LENGTH_BYTES + rest.length, ...decoded }
  }

  #decrypt(rest: Buffer, frame: FrameId): Buffer | undefined {
    const body = rest.subarray(0, rest.length - TAG_BYTES)
    return this.#cipher.open(body, rest.subarray(rest.length - TAG_BYTES), frame)
  }

  async #isEnd(offset: number): Promise<boolean> {
    return (await this.#bytes(offset, 1)) === undefined
  }

  /** Undefined when the file has not so many there (yet). */
  async #bytes(at: number, length: number): Promise<Buffer | undefined> {
    if (at < 0) return undefined
    const inWindow = at - this.#window.at
    if (inWindow < 0 || inWindow + length > this.#window.bytes.length) await this.#moveWindow(at, length)
    const from = at - this.#window.at
    const bytes = this.#window.bytes.subarray(from, from + length)
    return bytes.length === length ? bytes : undefined
  }

  async #moveWindow(at: number, length: number): Promise<void> {
    // A new one each time: what was handed out are views of the old.
    const bytes = Buffer.allocUnsafe(Math.max(length, READ_AHEAD_BYTES))
    const read = await this.#source.read(bytes, at)
    this.#window = { at, bytes: bytes.subarray(0, read) }
  }

  #end(
    how: 'complete' | 'open' | 'truncated' | 'changed',
    { frames, digest }: { frames: number; digest: { hash: Hash; bytes: number } | undefined },
  ): void {
    this.#ending = {
      complete: how === 'complete',
      frames,
      bytes: digest?.bytes ?? null,
      sha256: digest?.hash.digest('hex') ?? null,
      problem: how === 'truncated' || how === 'changed' ? { frame: frames, reason: how } : null,
    }
  }
}

function unreadable(why: string): KrownError {
  return new KrownError('INTERNAL', `the file of the recording cannot be read: ${why}`)
}
