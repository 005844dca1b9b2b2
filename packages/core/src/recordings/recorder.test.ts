import { randomBytes } from 'node:crypto'
import { FakeClock } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { newId } from '../base/ids.js'
import { silentLogger } from '../base/logger.js'
import { isKrownError } from '../errors/krown-error.js'
import type { RecordingId } from '../model/ids.js'
import type { RecordingRecord } from './format/record.js'
import { FrameWriter } from './frame-writer.js'
import type { ChannelListener, RecordedChannel } from './recorded-channel.js'
import { Recorder, type RecorderParts } from './recorder.js'
import { RecordingReader } from './recording-reader.js'
import { RecordingSpace } from './recording-space.js'
import type { RecordingSink, RecordingSource, RecordingStore } from './recording-store.js'

const MIB = 1024 * 1024

/** One file in memory; writing may be held up, or fail. */
class MemoryStore implements RecordingStore, RecordingSink, RecordingSource {
  bytes = Buffer.alloc(0)
  syncs = 0
  writes = 0
  failWith: Error | undefined
  free = Number.POSITIVE_INFINITY
  #gate: Promise<void> | undefined

  /** Until the function that it gives back is called. */
  holdUp(): () => void {
    let letGo = () => {}
    this.#gate = new Promise((resolve) => {
      letGo = resolve
    })
    return letGo
  }

  async create(): Promise<RecordingSink> {
    if (this.failWith) throw this.failWith
    return this
  }

  async open(): Promise<RecordingSource> {
    return this
  }

  async write(pieces: readonly Buffer[], at: number): Promise<void> {
    await this.#gate
    this.writes += 1
    const data = Buffer.concat(pieces)
    const taken = this.failWith ? data.subarray(0, data.length / 2) : data
    this.bytes = Buffer.concat([this.bytes.subarray(0, at), taken])
    if (this.failWith) throw this.failWith
  }

  async sync(): Promise<void> {
    if (this.failWith) throw this.failWith
    this.syncs += 1
  }

  async read(into: Buffer, at: number): Promise<number> {
    return this.bytes.copy(into, 0, at)
  }

  async size(): Promise<number> {
    return this.bytes.length
  }

  async freeBytes(): Promise<number> {
    return this.free
  }

  async remove(): Promise<void> {}
  async close(): Promise<void> {}
}

/** Somebody who looks on. */
class Viewer implements ChannelListener {
  text = ''
  failures: Error[] = []
  channel: RecordedChannel | undefined
  /** Asked to hold the channel back after so many bytes. */
  holdAfter = Number.POSITIVE_INFINITY

  show(_stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.text += chunk.toString()
    if (this.text.length >= this.holdAfter) this.channel?.pause()
  }

  fail(error: Error): void {
    this.failures.push(error)
  }
}

class Tap {
  paused = false
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
}

const START = { commandId: newId(), kind: 'exec', command: 'x', terminal: null, at: '' } as const

function world(settings: Partial<RecorderParts> = {}, maxTotal = 0) {
  const clock = new FakeClock()
  const store = new MemoryStore()
  const ids = { recordingId: newId<RecordingId>(), orgId: newId<never>() }
  const key = randomBytes(32)
  const header = { ...ids, sessionId: newId<never>(), kind: 'session', startedAt: '' } as const
  const space = new RecordingSpace({ store, clock, logger: silentLogger, minFree: 0, maxTotal })
  const troubles: string[] = []
  const warnings: string[] = []
  const recorder = new Recorder({
    clock,
    writer: new FrameWriter({ store, header, key }),
    mode: 'strict',
    maxBytes: 1024 * MIB,
    space,
    startedAt: clock.now(),
    onTrouble: ({ reason }) => troubles.push(reason),
    onNearlyFull: () => warnings.push('nearly full'),
    ...settings,
  })
  const begin = () => {
    const [viewer, tap] = [new Viewer(), new Tap()]
    const channel = recorder.openChannel(START, viewer)
    channel.connect(tap)
    viewer.channel = channel
    return { viewer, tap, channel }
  }
  const read = async () => {
    const reader = await RecordingReader.open(store, { ...ids, key })
    const records: RecordingRecord[] = []
    for await (const frame of reader.frames()) records.push(...frame.records)
    return { records, ending: reader.ending, reader }
  }
  return { clock, store, recorder, begin, read, troubles, warnings }
}

/** Everything that was printed according to the recording. */
const printed = (records: readonly RecordingRecord[]) =>
  records.map(({ kind, data }) => (kind === 'stdout' ? data.toString() : '')).join('')

const idle = () => new Promise((resolve) => setImmediate(resolve))
const settled = async () => {
  for (let i = 0; i < 20; i += 1) await idle()
}
const ended = (channel: RecordedChannel) =>
  new Promise<void>((resolve) => channel.end({ exitCode: 0, signal: null, at: '' }, resolve))

describe('a recorder in strict mode', () => {
  test('shows a byte when it was written and not before; what came meanwhile is one frame', async () => {
    const { store, begin, recorder, read } = world()
    const { viewer, channel } = begin()
    const letGo = store.holdUp()
    for (const text of ['a', 'b', 'c']) channel.receive('stdout', Buffer.from(text))
    await settled()
    for (const text of ['d', 'e']) channel.receive('stdout', Buffer.from(text))
    await settled()
    expect([viewer.text, store.bytes.length]).toEqual(['', 0])
    letGo()
    await ended(channel)
    expect(viewer.text).toBe('abcde')
    expect(store.writes).toBe(3)
    const result = await recorder.finish()
    const { records, ending } = await read()
    expect(printed(records)).toBe('abcde')
    expect(ending).toMatchObject({ complete: true, problem: null, sha256: result.sha256 })
    expect(result).toMatchObject({ complete: true, fileBytes: store.bytes.length, plainBytes: ending?.bytes })
    expect(records.map(({ kind }) => kind)).toEqual([
      'channel_start',
      ...Array.from({ length: 5 }, () => 'stdout'),
      'channel_end',
      'index',
    ])
  })

  test('G12: a disk that is slow pauses the target, and nothing is dropped', async () => {
    const { store, begin, recorder, read } = world()
    const { tap, channel } = begin()
    const other = begin()
    const letGo = store.holdUp()
    let sent = 0
    for (; !tap.paused; sent += 32_768) channel.receive('stdout', Buffer.alloc(32_768, 'x'))
    expect(sent).toBeLessThan(1.2 * MIB)
    expect(other.tap.paused).toBe(false)
    letGo()
    await ended(channel)
    expect(tap.paused).toBe(false)
    await recorder.finish()
    expect(printed((await read()).records)).toBe('x'.repeat(sent))
  })

  test('what its readers hold back waits, and its end too; then they get all of it', async () => {
    const { begin, recorder } = world()
    const { viewer, tap, channel } = begin()
    viewer.holdAfter = 2
    for (const text of ['a', 'b', 'c', 'd']) channel.receive('stdout', Buffer.from(text))
    await settled()
    expect([viewer.text, tap.paused]).toEqual(['ab', true])
    let isOver = false
    channel.end({ exitCode: 0, signal: null, at: '' }, () => {
      isOver = true
    })
    viewer.holdAfter = 3
    channel.resume()
    expect(viewer.text).toBe('ab')
    await settled()
    expect([viewer.text, tap.paused, isOver]).toEqual(['abc', true, false])
    viewer.holdAfter = 100
    channel.resume()
    await settled()
    expect([viewer.text, tap.paused, isOver]).toEqual(['abcd', false, true])
    await recorder.finish()
  })

  test('G11, H09: a full disk ends its channels, told of, and shows nothing that was not written', async () => {
    const { store, begin, recorder, read, troubles } = world()
    const { viewer, tap, channel } = begin()
    const second = begin()
    channel.receive('stdout', Buffer.from('seen'))
    await settled()
    store.failWith = Object.assign(new Error('no space'), { code: 'ENOSPC' })
    channel.receive('stdout', Buffer.from('unseen'))
    await settled()
    channel.receive('stdout', Buffer.from('also unseen'))
    expect(viewer.text).toBe('seen')
    expect(
      [...viewer.failures, ...second.viewer.failures].map((error) => isKrownError(error) && error.code),
    ).toEqual(['AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE'])
    expect(tap.paused).toBe(false)
    expect(troubles).toEqual(['disk'])
    await Promise.all([ended(channel), ended(second.channel)])
    expect(await recorder.finish()).toMatchObject({ complete: false })
    const { records, ending } = await read()
    expect(printed(records)).toBe('seen')
    expect(ending).toMatchObject({ complete: false, problem: { reason: 'truncated' } })
  })

  test('stops where a recording may not grow further, after a warning, with a marker', async () => {
    const { begin, recorder, read, troubles, warnings } = world({ maxBytes: MIB })
    const { viewer, channel } = begin()
    for (let i = 0; i < 40 && viewer.failures.length === 0; i += 1) {
      channel.receive('stdout', Buffer.alloc(16_384, 'x'))
      await settled()
    }
    expect(warnings).toEqual(['nearly full'])
    expect(troubles).toEqual(['max_session'])
    expect(viewer.failures).toHaveLength(1)
    await ended(channel)
    expect(await recorder.finish()).toMatchObject({ complete: true })
    const { records } = await read()
    expect(printed(records)).toBe(viewer.text)
    expect(records.filter(({ kind }) => kind === 'marker').map(({ data }) => data.toString())).toEqual([
      'this recording is nearly as long as it may be',
      'the recording ends here: there is no more room for it',
    ])
  })

  test('stops where all recordings together may not grow further', async () => {
    const { begin, recorder, troubles } = world({}, 1_000)
    const { channel, viewer } = begin()
    channel.receive('stdout', Buffer.alloc(2_000, 'x'))
    await settled()
    expect(troubles).toEqual(['max_total'])
    expect(viewer.failures).toHaveLength(1)
    await recorder.finish()
  })

  test('H11: makes durable what it wrote within a second, and once only', async () => {
    const { clock, store, begin, recorder } = world()
    const { channel } = begin()
    channel.receive('stdout', Buffer.from('x'))
    await settled()
    expect(store.syncs).toBe(0)
    await clock.advanceAsync(1_000)
    await settled()
    expect(store.syncs).toBe(1)
    await clock.advanceAsync(5_000)
    expect(store.syncs).toBe(1)
    await recorder.finish()
    expect(clock.pendingTimers).toBe(0)
  })

  test('a channel that is given up shows nothing more, and its recorder goes on', async () => {
    const { begin, recorder, read } = world()
    const [one, two] = [begin(), begin()]
    one.channel.receive('stdout', Buffer.from('1'))
    one.channel.abandon()
    two.channel.receive('stdout', Buffer.from('2'))
    await ended(two.channel)
    expect([one.viewer.text, two.viewer.text]).toEqual(['', '2'])
    await recorder.finish()
    expect(printed((await read()).records)).toBe('12')
  })
})

describe('a recorder that does what it can', () => {
  test('G11: lets output go by while the disk is full, and says later how much is missing', async () => {
    const { clock, store, begin, recorder, read, troubles } = world({ mode: 'best-effort' })
    const { viewer, channel } = begin()
    channel.receive('stdout', Buffer.from('before '))
    await settled()
    store.failWith = new Error('no space')
    channel.receive('stdout', Buffer.from('held '))
    await settled()
    channel.receive('stdout', Buffer.from('lost '))
    await clock.advanceAsync(1_000)
    await settled()
    store.failWith = undefined
    await clock.advanceAsync(1_000)
    await settled()
    channel.receive('stdout', Buffer.from('after'))
    await ended(channel)
    expect(viewer.text).toBe('before held lost after')
    expect(viewer.failures).toEqual([])
    expect(troubles).toEqual(['disk'])
    expect(await recorder.finish()).toMatchObject({ complete: true, lostBytes: 5 })
    const { records } = await read()
    expect(printed(records)).toBe('before held after')
    expect(records.find(({ kind }) => kind === 'gap')?.data.toString()).toBe('{"bytes":5}')
  })

  test('runs without a file that cannot be made, and makes it when it can', async () => {
    const { store, begin, recorder, read, clock } = world({ mode: 'best-effort' })
    store.failWith = new Error('read-only')
    await recorder.open()
    const { viewer, channel } = begin()
    channel.receive('stdout', Buffer.from('lost'))
    expect(viewer.text).toBe('lost')
    store.failWith = undefined
    await clock.advanceAsync(1_000)
    await settled()
    channel.receive('stdout', Buffer.from('kept'))
    await ended(channel)
    expect(await recorder.finish()).toMatchObject({ complete: true, lostBytes: 4 })
    expect(printed((await read()).records)).toBe('kept')
  })
})
