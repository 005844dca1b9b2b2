import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import type { CommandSummary } from '../../model/command.js'
import type { CommandId, UserId } from '../../model/ids.js'
import type { Session } from '../../model/session.js'
import type { SessionEvent } from '../../model/session-event.js'
import { OutputRing, type OutputStream } from '../output/output-ring.js'
import { SessionLog } from './session-log.js'
import { SessionLogReader } from './session-log-reader.js'

const SESSION = { id: newId(), orgId: newId(), userId: newId(), status: 'connected' } as unknown as Session
const EVERYTHING = () => true

/** A log with the rings of its commands. */
class Printer {
  readonly log: SessionLog
  readonly #rings = new Map<CommandId, OutputRing>()
  readonly #users = new Map<CommandId, UserId>()

  constructor() {
    const findOutput = (id: CommandId) => {
      const ring = this.#rings.get(id)
      return ring && { read: (from: number, to: number) => readRing(ring, from, to) }
    }
    this.log = new SessionLog(SESSION, { findOutput, publish: () => {} })
  }

  start(userId: UserId = newId()): CommandId {
    const id = newId<CommandId>()
    this.#rings.set(id, new OutputRing())
    this.#users.set(id, userId)
    this.log.command('command_started', { id, userId, command: 'print' } as CommandSummary)
    return id
  }

  print(id: CommandId, text: string | Buffer, stream: OutputStream = 'stdout'): void {
    const ring = this.#rings.get(id)
    const userId = this.#users.get(id)
    if (!ring || !userId) throw new Error('not started')
    const chunk = Buffer.from(text as string)
    ring.append(stream, chunk)
    this.log.output({ id, userId, stream }, { to: ring.end, bytes: chunk.length })
  }

  finish(id: CommandId): void {
    this.log.command('command_finished', {
      id,
      userId: this.#users.get(id),
      command: 'print',
    } as CommandSummary)
  }

  forget(id: CommandId): void {
    this.#rings.delete(id)
  }

  read(after = 0, output = true): SessionEvent[] {
    const reader = new SessionLogReader(this.log, { after, output })
    return readAll(reader)
  }
}

function readRing(ring: OutputRing, from: number, to: number): Buffer | undefined {
  const data = from < ring.start ? undefined : ring.read(from, to - from)?.data
  return data?.length === to - from ? data : undefined
}

function readAll(reader: SessionLogReader, sees: () => boolean = EVERYTHING): SessionEvent[] {
  const events: SessionEvent[] = []
  for (let event = reader.next(sees); event; event = reader.next(sees)) events.push(event)
  return events
}

const pieces = (events: readonly SessionEvent[]) => events.filter((event) => event.type === 'command_output')

test('what a command prints is one piece until somebody reads it, or it is 8 KiB', () => {
  const printer = new Printer()
  const id = printer.start()
  const reader = new SessionLogReader(printer.log, { after: 0, output: true })
  for (const text of ['one ', 'two ', 'three ']) printer.print(id, text)
  expect(readAll(reader)).toMatchObject([
    { type: 'command_started', seq: 1 },
    { type: 'command_output', seq: 2, data: 'one two three ', offset: 0 },
  ])
  printer.print(id, 'x'.repeat(20_000))
  const [first, second, third] = readAll(reader)
  expect(first).toMatchObject({ seq: 3, offset: 14, data: 'x'.repeat(8 * 1024) })
  expect(second).toMatchObject({ seq: 4, offset: 14 + 8 * 1024, data: 'x'.repeat(8 * 1024) })
  expect(third).toMatchObject({ seq: 5, data: 'x'.repeat(20_000 - 16 * 1024) })
})

test('a character that is not whole yet waits for its rest', () => {
  const printer = new Printer()
  const id = printer.start()
  const reader = new SessionLogReader(printer.log, { after: 1, output: true })
  const euro = Buffer.from('€')
  printer.print(id, Buffer.concat([Buffer.from('12'), euro.subarray(0, 1)]))
  expect(readAll(reader)).toMatchObject([{ data: '12', encoding: 'utf8', offset: 0 }])
  printer.print(id, euro.subarray(1, 2))
  expect(readAll(reader)).toEqual([])
  printer.print(id, euro.subarray(2))
  expect(readAll(reader)).toMatchObject([{ data: '€', encoding: 'utf8', offset: 2 }])
})

test('a character that is never whole is told as the bytes that came', () => {
  const printer = new Printer()
  const id = printer.start()
  printer.print(id, Buffer.from('a€').subarray(0, 3))
  printer.finish(id)
  expect(printer.read(1)).toMatchObject([
    { data: 'a', encoding: 'utf8', offset: 0 },
    { data: Buffer.from('€').subarray(0, 2).toString('base64'), encoding: 'base64', offset: 1 },
    { type: 'command_finished' },
  ])
})

test('both streams and several commands keep their order', () => {
  const printer = new Printer()
  const [first, second] = [printer.start(), printer.start()]
  printer.print(first, 'a')
  printer.print(first, 'b', 'stderr')
  printer.print(second, 'c')
  printer.print(first, 'd', 'stderr')
  expect(printer.read(2)).toMatchObject([
    { seq: 3, commandId: first, stream: 'stdout', data: 'a', offset: 0 },
    { seq: 4, commandId: first, stream: 'stderr', data: 'b', offset: 1 },
    { seq: 5, commandId: second, stream: 'stdout', data: 'c', offset: 0 },
    { seq: 6, commandId: first, stream: 'stderr', data: 'd', offset: 2 },
  ])
})

test('bytes that are overwritten are a gap that says which, and the rest follows', () => {
  const printer = new Printer()
  const id = printer.start()
  printer.print(id, 'x'.repeat(300 * 1024))
  printer.finish(id)
  const [started, gap, ...rest] = printer.read()
  expect(started).toMatchObject({ type: 'command_started', seq: 1 })
  expect(gap).toMatchObject({ type: 'gap', sessionId: SESSION.id, fromSeq: 2, commandId: id, fromOffset: 0 })
  const after = gap?.type === 'gap' ? gap : undefined
  expect(after?.seq).toBe(after?.toSeq)
  const read = pieces(rest)
  expect(read[0]).toMatchObject({ seq: (after?.toSeq ?? 0) + 1, offset: after?.toOffset })
  const bytes = read.reduce(
    (sum, event) => sum + (event.type === 'command_output' ? event.data.length : 0),
    0,
  )
  expect((after?.toOffset ?? 0) + bytes).toBe(300 * 1024)
  expect(rest.at(-1)).toMatchObject({ type: 'command_finished' })
})

test('output of a command that is kept no longer is a gap', () => {
  const printer = new Printer()
  const id = printer.start()
  printer.print(id, 'gone')
  printer.finish(id)
  printer.forget(id)
  expect(printer.read(1)).toMatchObject([
    { type: 'gap', seq: 2, fromSeq: 2, toSeq: 2, commandId: id, fromOffset: 0, toOffset: 4 },
    { type: 'command_finished', seq: 3 },
  ])
})

test('entries that are dropped are a gap, and who wants no output does not miss them', () => {
  const printer = new Printer()
  const id = printer.start()
  for (let line = 0; line < 5_000; line += 1) printer.print(id, 'x', line % 2 ? 'stdout' : 'stderr')
  printer.finish(id)
  const [started, dropped, overwritten] = printer.read()
  expect(started).toMatchObject({ type: 'command_started' })
  expect(dropped).toMatchObject({ type: 'gap', fromSeq: 2 })
  expect(dropped).not.toHaveProperty('commandId')
  // The ring holds no more changes of the stream than the log has entries.
  expect(overwritten).toMatchObject({ type: 'gap', commandId: id, fromSeq: (dropped?.seq ?? 0) + 1 })
  expect(printer.read(0, false).map(({ type }) => type)).toEqual(['command_started', 'command_finished'])
})

test('readers at the same place share one object for each piece', () => {
  const printer = new Printer()
  const readers = [0, 0, 0].map((after) => new SessionLogReader(printer.log, { after, output: true }))
  const id = printer.start()
  printer.print(id, 'shared')
  const [first, ...others] = readers.map((reader) => readAll(reader).at(-1))
  expect(first).toMatchObject({ data: 'shared' })
  for (const other of others) expect(other).toBe(first)
})

test('who reads from now on goes on where output was growing', () => {
  const printer = new Printer()
  const id = printer.start()
  printer.print(id, 'before')
  const reader = new SessionLogReader(printer.log, { after: undefined, output: true })
  printer.print(id, 'after')
  expect(readAll(reader)).toMatchObject([{ seq: 3, data: 'after', offset: 6 }])
  expect(printer.read(reader.seq)).toEqual([])
  expect(printer.read(1).map((event) => event.type === 'command_output' && event.data)).toEqual([
    'before',
    'after',
  ])
})

test('what a reader may not see is passed over without a word', () => {
  const printer = new Printer()
  const [mine, other] = [newId<UserId>(), newId<UserId>()]
  const ids = [printer.start(mine), printer.start(other), printer.start(mine)]
  for (const id of ids) printer.print(id, 'x')
  const reader = new SessionLogReader(printer.log, { after: 0, output: true })
  const seen: number[] = []
  for (let event = reader.next(isMine); event; event = reader.next(isMine)) seen.push(event.seq)
  expect(seen).toEqual([1, 3, 4, 6])

  function isMine({ userId }: { userId: UserId }): boolean {
    return userId === mine
  }
})

test('however it is printed and read: every byte or a gap, nothing twice, the same for all', () => {
  const print = fc.record({
    stream: fc.constantFrom<OutputStream>('stdout', 'stderr'),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40_000 }),
    read: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(print, { maxLength: 30 }), (prints) => {
      const printer = new Printer()
      const id = printer.start()
      const eager = new SessionLogReader(printer.log, { after: 1, output: true })
      const early: SessionEvent[] = []
      const all: number[] = []
      for (const { stream, bytes, read } of prints) {
        printer.print(id, Buffer.from(bytes), stream)
        all.push(...bytes)
        if (read) early.push(...readAll(eager))
      }
      printer.finish(id)
      early.push(...readAll(eager))
      checkWhole(early, all)
      checkWhole(printer.read(1), all)
    }),
    { numRuns: 60 },
  )
})

/** Numbers and offsets follow each other, and the bytes are those that were printed. */
function checkWhole(events: readonly SessionEvent[], printed: readonly number[]): void {
  let seq = 1
  let offset = 0
  for (const event of events) {
    expect(event.type === 'gap' ? event.fromSeq : event.seq).toBe(seq + 1)
    seq = event.seq
    if (event.type === 'gap') offset = event.toOffset ?? Number.NaN
    if (event.type !== 'command_output') continue
    expect(event.offset).toBe(offset)
    const bytes = Buffer.from(event.data, event.encoding)
    expect([...bytes]).toEqual(printed.slice(offset, offset + bytes.length))
    offset += bytes.length
  }
  expect(offset).toBe(printed.length)
}
