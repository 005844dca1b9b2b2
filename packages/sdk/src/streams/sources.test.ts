import type { CommandId, SessionEvent, SessionId } from '@krown/core/model'
import { expect, test } from 'vitest'
import { newCommandId } from '../command-id.js'
import { eventSource } from './event-sources.js'
import { outputSource } from './output-source.js'

const output = (offset: number, data: string) =>
  ({ type: 'output', stream: 'stdout', offset, data, encoding: 'utf8' }) as const

const acceptedBy = (after?: number) => {
  const source = outputSource('c' as CommandId, { after })
  return (event: unknown) =>
    source.accept(event as never).map((item) => {
      if (item.type !== 'output') return item
      return [item.offset, Buffer.from(item.data).toString()]
    })
}

test('output that was seen before is left out, to the byte', () => {
  const accept = acceptedBy()
  expect(accept(output(0, 'abcdef'))).toEqual([[0, 'abcdef']])
  expect(accept(output(0, 'abcdef'))).toEqual([])
  expect(accept(output(4, 'efgh'))).toEqual([[6, 'gh']])
  expect(accept({ type: 'gap', fromOffset: 2, toOffset: 8 })).toEqual([])
  expect(accept({ type: 'gap', fromOffset: 2, toOffset: 20 })).toEqual([
    { type: 'gap', fromOffset: 8, toOffset: 20 },
  ])
  expect(accept(output(18, 'xyz'))).toEqual([[20, 'z']])
})

test('output may be any bytes', () => {
  const [event] = outputSource('c' as CommandId, {}).accept({
    ...output(0, '/wA='),
    encoding: 'base64',
  })
  expect(event).toMatchObject({ type: 'output', data: Buffer.from([255, 0]) })
})

test('events of a kind that this SDK does not know are left out, in every stream', () => {
  expect(acceptedBy()({ type: 'resized', columns: 80 })).toEqual([])
  const unknown = { type: 'session_renamed', sessionId: 's', seq: 3 } as unknown as SessionEvent
  for (const query of [{}, { sessionId: 's' as SessionId }]) {
    expect(eventSource(query).accept(unknown)).toEqual([])
    expect(eventSource(query).accept({ ...unknown, type: 'constructor' } as never)).toEqual([])
  }
})

test('in the stream of everything one gap is told once', () => {
  const source = eventSource({})
  expect(source.missed?.()).toMatchObject([{ type: 'gap', sessionId: null }])
  const gap = { type: 'gap', sessionId: null, seq: 0, fromSeq: 0, toSeq: 0 } as const
  expect(source.accept(gap)).toEqual([])
  const started = { type: 'command_started', sessionId: 's', seq: 1, command: {} } as never
  expect(source.accept(started)).toEqual([started])
  expect(source.accept(gap)).toEqual([gap])
})

test('command ids are UUIDv7: they hold the time, sort by it and do not repeat', () => {
  const before = Date.now()
  const ids = Array.from({ length: 1000 }, newCommandId)
  const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  for (const id of ids) expect(id).toMatch(UUID_V7)
  expect(new Set(ids).size).toBe(1000)
  const [first = '', last = ''] = [ids[0], ids.at(-1)].map((id) => id?.replace('-', '').slice(0, 12))
  expect(Number.parseInt(first, 16)).toBeGreaterThanOrEqual(before)
  expect(Number.parseInt(last, 16)).toBeLessThanOrEqual(Date.now())
})
