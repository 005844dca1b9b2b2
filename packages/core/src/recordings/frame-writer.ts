import { createHash } from 'node:crypto'
import { encodeFooter } from './format/footer.js'
import { FrameCipher } from './format/frame-cipher.js'
import { encodeHeader, type RecordingHeader } from './format/header.js'
import { encodeRecords, type RecordingRecord } from './format/record.js'
import { TimeIndex } from './format/time-index.js'
import type { RecordingSink, RecordingStore } from './recording-store.js'

export type QueuedRecord = RecordingRecord

interface Unwritten {
  readonly pieces: readonly Buffer[]
  readonly at: number
}

/** Writes the file of one recording: a header, frames, the last frame and a footer. One call at a time. */
export class FrameWriter {
  readonly #store: RecordingStore
  readonly #header: RecordingHeader
  readonly #cipher: FrameCipher
  readonly #digest = createHash('sha256')
  readonly #index = new TimeIndex()
  #sink: RecordingSink | undefined
  #frames = 0
  #sinceUs = 0
  #fileBytes = 0
  #plainBytes = 0
  /** A frame whose bytes are final and not all in the file: a second frame of that number must never be made. */
  #unwritten: Unwritten | undefined

  constructor(parts: { store: RecordingStore; header: RecordingHeader; key: Buffer }) {
    this.#store = parts.store
    this.#header = parts.header
    this.#cipher = new FrameCipher(parts.key, parts.header)
  }

  /** With all that is in it and has to be. */
  get fileBytes(): number {
    return this.#fileBytes
  }

  /** A frame that could not be written is kept until it can be. */
  get hasUnwritten(): boolean {
    return this.#unwritten !== undefined
  }

  async open(): Promise<number> {
    const { orgId, recordingId } = this.#header
    this.#sink = await this.#store.create({ orgId, id: recordingId })
    return this.#append([encodeHeader(this.#header)])
  }

  /** One frame. @returns Bytes of the file that it took. */
  async write(records: readonly QueuedRecord[]): Promise<number> {
    return this.#append(this.#sealFrame(records, { final: false }))
  }

  /** What could not be done before: the file, or the same bytes at the same place. */
  async retry(): Promise<number> {
    if (!this.#sink) return this.open()
    if (!this.#unwritten) return 0
    const { pieces, at } = this.#unwritten
    await this.#requireSink().write(pieces, at)
    this.#unwritten = undefined
    return sizeOf(pieces)
  }

  /** The last frame, with these records and the index, and the footer; then all of it survives the loss of power. */
  async finish(records: readonly QueuedRecord[]): Promise<number> {
    const sink = this.#requireSink()
    const place = { offset: this.#fileBytes, number: this.#frames }
    const timeUs = records.at(-1)?.timeUs ?? this.#sinceUs
    const index: QueuedRecord = { kind: 'index', channel: 0, timeUs, data: this.#index.encode() }
    const frame = this.#sealFrame([...records, index], { final: true })
    const written = await this.#append([...frame, encodeFooter(place)])
    await sink.sync()
    return written
  }

  async sync(): Promise<void> {
    await this.#sink?.sync()
  }

  async close(): Promise<{ fileBytes: number; plainBytes: number; sha256: string }> {
    await this.#sink?.close().catch(() => {})
    return {
      fileBytes: this.#fileBytes,
      plainBytes: this.#plainBytes,
      sha256: this.#digest.digest('hex'),
    }
  }

  #sealFrame(records: readonly QueuedRecord[], { final }: { final: boolean }): Buffer[] {
    const plain = encodeRecords(records, this.#sinceUs)
    this.#index.add({ frame: this.#frames, offset: this.#fileBytes, sinceUs: this.#sinceUs })
    this.#digest.update(plain)
    this.#plainBytes += plain.length
    this.#sinceUs = records.at(-1)?.timeUs ?? this.#sinceUs
    const frame = this.#cipher.seal(plain, { number: this.#frames, final })
    this.#frames += 1
    return frame
  }

  async #append(pieces: readonly Buffer[]): Promise<number> {
    const sink = this.#requireSink()
    this.#unwritten = { pieces, at: this.#fileBytes }
    this.#fileBytes += sizeOf(pieces)
    await sink.write(pieces, this.#unwritten.at)
    this.#unwritten = undefined
    return sizeOf(pieces)
  }

  #requireSink(): RecordingSink {
    if (!this.#sink) throw new Error('the file of the recording was not made')
    return this.#sink
  }
}

function sizeOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0)
}
