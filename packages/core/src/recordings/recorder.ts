import type { Clock } from '../base/clock.js'
import { type Deferred, defer } from '../base/deferred.js'
import type { ChannelStart } from './format/record.js'
import type { FrameWriter, QueuedRecord } from './frame-writer.js'
import { type ChannelListener, type ChannelRecorder, RecordedChannel } from './recorded-channel.js'
import { recordingUnavailable } from './recording-errors.js'
import type { RecordingSpace } from './recording-space.js'

/** Why nothing more can be recorded. */
export type RecorderTrouble =
  | { readonly reason: 'disk'; readonly error: unknown }
  | { readonly reason: 'max_session' | 'max_total' }

export interface RecorderParts {
  readonly clock: Clock
  readonly writer: FrameWriter
  readonly mode: 'strict' | 'best-effort'
  /** Of the file, bytes. */
  readonly maxBytes: number
  readonly space: RecordingSpace
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** Called once each time that it gets into trouble. */
  onTrouble(trouble: RecorderTrouble): void
  onNearlyFull(): void
}

/** What there is to say about a recording that ended. */
export interface RecorderResult {
  /** False when what was recorded last could not be written. */
  readonly complete: boolean
  readonly durationMs: number
  readonly fileBytes: number
  readonly plainBytes: number
  readonly sha256: string
  readonly lostBytes: number
}

interface OutputRecord extends QueuedRecord {
  readonly owner?: { readonly channel: RecordedChannel; readonly stream: 'stdout' | 'stderr' }
}

/** What waits to be written beyond this makes the channels pause. */
const MAX_WAITING_BYTES = 1024 * 1024
/** Of the plain of a frame: to encrypt more at once would keep everybody else waiting. A record is at most 64 KiB. */
const FULL_FRAME_BYTES = 256 * 1024
const SYNC_EVERY_MS = 1_000
/** Kept free for what is said last. */
const RESERVED_BYTES = 512 * 1024
const NEARLY_FULL = 0.8

/**
 * Records what happens in some channels into one file. Whatever arrives while a frame is being written goes out
 * together as the next one.
 */
export class Recorder implements ChannelRecorder {
  readonly startedAt: number
  readonly #parts: RecorderParts
  readonly #beganAt: number
  readonly #channels = new Set<RecordedChannel>()
  #channelCount = 0
  #queue: OutputRecord[] = []
  #queuedBytes = 0
  /** Set while frames are being written. */
  #writing: Deferred<void> | undefined
  #opened: Promise<void> | undefined
  #trouble: RecorderTrouble | undefined
  /** Output that went by since the last record that could be written. */
  #gapBytes = 0
  #lostBytes = 0
  /** Output in the frame that could not be written and is tried again. */
  #heldBytes = 0
  #frames = 0
  #lastUs = 0
  #isSynced = true
  #cancelTick: (() => void) | undefined
  #ticking: Promise<void> = Promise.resolve()
  #warned = false
  #isOver = false
  #finishing: Promise<RecorderResult> | undefined

  constructor(parts: RecorderParts) {
    this.#parts = parts
    this.startedAt = parts.startedAt
    this.#beganAt = parts.clock.monotonic()
  }

  /** Channels whose end it has not seen. */
  get openChannels(): number {
    return this.#channels.size
  }

  /** Nothing new should begin in it. */
  get isSpent(): boolean {
    const isStuck = this.#trouble !== undefined && !this.#mayRecover
    return isStuck || this.#isOver || this.#warned
  }

  get #mayRecover(): boolean {
    return this.#parts.mode === 'best-effort' && this.#trouble?.reason === 'disk'
  }

  get isFull(): boolean {
    return this.#queuedBytes > MAX_WAITING_BYTES
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return Math.round(this.#parts.clock.monotonic() - this.#beganAt)
  }

  /**
   * Makes the file; the first call does.
   *
   * @throws KrownError AUDIT_UNAVAILABLE when it cannot be made and has to be.
   */
  open(): Promise<void> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  /** A channel begins; nothing is written for that alone. */
  openChannel(start: ChannelStart, listener: ChannelListener): RecordedChannel {
    this.#channelCount += 1
    const channel = new RecordedChannel(this, this.#channelCount, listener)
    this.#channels.add(channel)
    this.#add({ kind: 'channel_start', channel: channel.number, data: Buffer.from(JSON.stringify(start)) })
    this.#armTick()
    return channel
  }

  output(channel: RecordedChannel, stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (this.#isLosing) this.#lose(channel, stream, chunk)
    else {
      this.#add({ kind: stream, channel: channel.number, data: chunk }, { channel, stream })
      this.#write()
    }
  }

  note(channel: RecordedChannel, kind: 'input' | 'resize' | 'channel_end', data: Buffer): void {
    if (this.#isLosing && !this.#mayRecover) return
    this.#add({ kind, channel: channel.number, data })
    if (kind === 'input') this.#write()
    else this.#armTick()
  }

  left(channel: RecordedChannel): void {
    this.#channels.delete(channel)
  }

  /** Writes the last frame and closes the file. Never rejects. */
  finish(): Promise<RecorderResult> {
    this.#finishing ??= this.#finish()
    return this.#finishing
  }

  /** Nobody will ask for it: closes the file as it is. */
  async discard(): Promise<void> {
    this.#isOver = true
    this.#cancelTick?.()
    this.#cancelTick = undefined
    await this.#ticking
    await this.#writing?.promise
    await this.#parts.writer.close()
  }

  get #isLosing(): boolean {
    return this.#trouble !== undefined
  }

  async #open(): Promise<void> {
    try {
      this.#parts.space.add(await this.#parts.writer.open())
    } catch (error) {
      this.#getIntoTrouble({ reason: 'disk', error })
      if (this.#parts.mode === 'strict') throw recordingUnavailable(error)
    }
  }

  #add(record: Omit<QueuedRecord, 'timeUs'>, owner?: OutputRecord['owner']): void {
    // Nothing is written for now, and this must not go on for ever.
    if (this.#isLosing && this.isFull) return
    this.#lastUs = Math.max(this.#lastUs, Math.round((this.#parts.clock.monotonic() - this.#beganAt) * 1_000))
    this.#queue.push({ ...record, timeUs: this.#lastUs, ...(owner && { owner }) })
    this.#queuedBytes += record.data.length
  }

  /** One after the other; what one read of the socket brought is there by the next tick. */
  #write(): void {
    if (this.#writing || this.#queue.length === 0) return
    this.#writing = defer()
    process.nextTick(() => void this.#writeQueue())
  }

  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0 && !this.#isLosing) {
      const records = this.#takeFrame()
      const error = await this.#writeFrame(records)
      this.#frames += 1
      if (error === undefined) this.#armTick()
      else this.#getIntoTrouble({ reason: 'disk', error })
      this.#letGo(records, error === undefined)
      this.#queuedBytes -= sizeOf(records)
      if (!this.isFull) for (const channel of this.#channels) channel.relieve()
      if (!this.#isLosing) this.#checkRoom()
    }
    if (this.#isLosing) this.#loseQueue()
    const done = this.#writing
    this.#writing = undefined
    done?.resolve()
  }

  async #writeFrame(records: readonly OutputRecord[]): Promise<unknown> {
    const { writer, space } = this.#parts
    try {
      await this.open()
      if (this.#isLosing) return new Error('the file could not be made')
      space.add(await writer.write(records))
      this.#isSynced = false
      return undefined
    } catch (error) {
      return error
    }
  }

  #takeFrame(): OutputRecord[] {
    let count = 0
    for (let bytes = 0; count < this.#queue.length && bytes < FULL_FRAME_BYTES; count += 1) {
      bytes += this.#queue[count]?.data.length ?? 0
    }
    const records = this.#queue.slice(0, count)
    this.#queue = this.#queue.slice(count)
    return records
  }

  /** @param written False: then it goes by all the same, or nobody is left to whom it would be shown. */
  #letGo(records: readonly OutputRecord[], written: boolean): void {
    const isHeld = !written && this.#parts.writer.hasUnwritten
    for (const { owner, data } of records) {
      if (!owner) continue
      if (isHeld) this.#heldBytes += data.length
      else if (!written) this.#countLost(data)
      owner.channel.accept({ stream: owner.stream, chunk: data }, this.#frames)
    }
  }

  /** Output goes by; what else there is to say can be said later. */
  #loseQueue(): void {
    const records = this.#queue
    this.#queue = records.filter(({ owner }) => !owner)
    this.#queuedBytes = sizeOf(this.#queue)
    for (const { owner, data } of records) if (owner) this.#lose(owner.channel, owner.stream, data)
    for (const channel of this.#channels) channel.relieve()
  }

  #lose(channel: RecordedChannel, stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#countLost(chunk)
    channel.accept({ stream, chunk }, this.#frames)
  }

  #countLost({ length }: Buffer): void {
    if (this.#parts.mode === 'strict') return
    this.#gapBytes += length
    this.#lostBytes += length
  }

  #checkRoom(): void {
    const { writer, maxBytes, space } = this.#parts
    const room = maxBytes - RESERVED_BYTES
    if (writer.fileBytes >= room) this.#getIntoTrouble({ reason: 'max_session' })
    else if (space.isFull) this.#getIntoTrouble({ reason: 'max_total' })
    else if (writer.fileBytes >= room * NEARLY_FULL && !this.#warned) {
      this.#warned = true
      this.#mark('this recording is nearly as long as it may be')
      this.#parts.onNearlyFull()
    }
  }

  #mark(text: string): void {
    this.#add({ kind: 'marker', channel: 0, data: Buffer.from(text) })
  }

  #getIntoTrouble(trouble: RecorderTrouble): void {
    if (this.#trouble) return
    this.#trouble = trouble
    this.#parts.onTrouble(trouble)
    this.#armTick()
    if (this.#parts.mode !== 'strict') return
    const error = recordingUnavailable('error' in trouble ? trouble.error : undefined)
    for (const channel of [...this.#channels]) channel.fail(error)
  }

  /** Once a second while there is something to do. */
  #armTick(): void {
    if (this.#cancelTick || this.#isOver) return
    const { clock } = this.#parts
    this.#cancelTick = clock.setTimer(SYNC_EVERY_MS, () => {
      this.#cancelTick = undefined
      this.#ticking = this.#tick()
    })
  }

  async #tick(): Promise<void> {
    if (this.#trouble) return this.#recover()
    this.#write()
    await this.#writing?.promise
    const error = await this.#sync()
    if (error !== undefined) this.#getIntoTrouble({ reason: 'disk', error })
    if (this.#queue.length > 0 || !this.#isSynced) this.#armTick()
  }

  async #sync(): Promise<unknown> {
    if (this.#isSynced) return undefined
    this.#isSynced = true
    return this.#parts.writer.sync().then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  /** What lets output go by tries again, and says how much it lost. In strict nothing is left to be recorded. */
  async #recover(): Promise<void> {
    if (!this.#mayRecover) return
    await this.#writing?.promise
    if (await this.#isBack()) {
      this.#trouble = undefined
      this.#noteGap()
      this.#write()
    }
    this.#armTick()
  }

  async #isBack(): Promise<boolean> {
    try {
      await this.#retry()
      return true
    } catch {
      return false
    }
  }

  async #retry(): Promise<void> {
    this.#parts.space.add(await this.#parts.writer.retry())
    this.#heldBytes = 0
  }

  #noteGap(): void {
    if (this.#gapBytes === 0) return
    this.#add({ kind: 'gap', channel: 0, data: Buffer.from(JSON.stringify({ bytes: this.#gapBytes })) })
    this.#gapBytes = 0
  }

  async #finish(): Promise<RecorderResult> {
    this.#isOver = true
    this.#cancelTick?.()
    this.#cancelTick = undefined
    await this.#ticking
    this.#write()
    await this.#writing?.promise
    const durationMs = this.elapsedMs
    const complete = await this.#writeEnd()
    const { fileBytes, plainBytes, sha256 } = await this.#parts.writer.close()
    const lostBytes = this.#parts.mode === 'strict' ? 0 : this.#lostBytes + this.#heldBytes
    return { complete, durationMs, fileBytes, plainBytes, sha256, lostBytes }
  }

  async #writeEnd(): Promise<boolean> {
    const { writer, space } = this.#parts
    this.#noteGap()
    if (this.#trouble && this.#trouble.reason !== 'disk')
      this.#mark('the recording ends here: there is no more room for it')
    try {
      await this.#retry()
      space.add(await writer.finish(this.#queue))
      return true
    } catch {
      return false
    }
  }
}

function sizeOf(records: readonly QueuedRecord[]): number {
  return records.reduce((sum, { data }) => sum + data.length, 0)
}
