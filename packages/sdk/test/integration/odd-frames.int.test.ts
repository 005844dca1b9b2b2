import type { CommandId, SessionId } from '@krown/core/model'
import { describe, expect, test } from 'vitest'
import { createKrownClient, type RemoteKrownClient } from '../../src/index.js'
import { refusalOf } from '../support/refusal.js'
import { answerSubscriptions } from '../support/socket-server.js'

type Frames = (id: number) => readonly (string | Uint8Array)[]

const json = (message: object): Frames => {
  return (id) => [JSON.stringify({ id, ...message })]
}

/** As the server sends events: each in a dress of tRPC's that has its number. */
const event = (data: unknown): Frames => {
  return (id) => [
    JSON.stringify({ id, result: { type: 'started' } }),
    JSON.stringify({ id, result: { type: 'data', data: { id: '1', data } } }),
  ]
}

async function readFrom(frames: Frames, open: (client: RemoteKrownClient) => AsyncIterable<unknown>) {
  await using server = await answerSubscriptions(frames)
  await using client = createKrownClient({ url: server.url, token: 'krn_pat_x', reconnectForMs: 5_000 })
  const items: unknown[] = []
  const all = async () => {
    for await (const item of open(client)) items.push(item)
  }
  return { error: await refusalOf(all()), items }
}

const events = (client: RemoteKrownClient) => client.sessions.events({ sessionId: 's' as SessionId })
const everything = (client: RemoteKrownClient) => client.sessions.events()
const output = (client: RemoteKrownClient) => client.commands.output('c' as CommandId)
const journal = (client: RemoteKrownClient) => client.journal.follow({ after: 0 })

// tRPC lets what is thrown while it reads a frame end the process, and the stream would never end.
describe('a stream fails, and nothing else, when the server sends', () => {
  const throwing = { toString: 1, valueOf: 1 }
  test.each<[string, Frames]>([
    ['text that is no JSON', () => ['\u001bgarbage{']],
    ['bytes', () => [Uint8Array.of(0, 255, 1)]],
    ['null', () => ['null']],
    ['a number', () => ['123']],
    ['a list', () => ['[null,1,"x"]']],
    ['no result', json({})],
    ['a result that is a number', json({ result: 5 })],
    ['a result that is null', json({ result: null })],
    ['an event whose id is an object', json({ result: { type: 'data', id: throwing, data: {} } })],
    ['an error that is null', json({ error: null })],
    ['an error that is text', json({ error: 'x' })],
    ['an error of nothing', json({ error: {} })],
    ['an id that every object has', json({ id: '__proto__', result: { type: 'data', data: {} } })],
    ['a method that is a number', json({ method: 5 })],
  ])('%s', async (_, frames) => {
    const { error } = await readFrom(frames, events)
    expect(error).toMatchObject({ code: 'UNKNOWN', kind: 'internal', rawCode: 'NOT_UNDERSTOOD' })
  })

  test.each<[string, unknown]>([
    ['a code that is an object', { code: throwing, kind: 'internal' }],
    ['a kind that is an object', { code: 'X', kind: throwing, detail: 'x' }],
    ['a detail that is an object', { code: 'X', kind: 'internal', detail: throwing }],
  ])('a refusal with %s', async (_, krown) => {
    const data = { code: 'X', httpStatus: throwing, krown }
    const { error } = await readFrom(json({ error: { message: 'x', code: -1, data } }), events)
    expect(error).toMatchObject({ code: 'UNKNOWN', kind: 'internal' })
  })

  test.each([events, everything, output, journal])('what is no event, for %o', async (open) => {
    for (const odd of [null, undefined, 5, 'x', [], { type: throwing, seq: 'x' }]) {
      const { error, items } = await readFrom(event(odd), open)
      expect(error, JSON.stringify(odd)).toMatchObject({ rawCode: 'NOT_UNDERSTOOD' })
      expect(items).toEqual([])
    }
  })

  test('an event that is no object at all', async () => {
    for (const data of [null, 5, 'x', []]) {
      const { error } = await readFrom(json({ result: { type: 'data', data } }), events)
      expect(error, JSON.stringify(data)).toMatchObject({ rawCode: 'NOT_UNDERSTOOD' })
    }
  })

  test('events whose parts are of other types', async () => {
    const of = { type: 'output', stream: 'stdout', offset: 0, data: 'x', encoding: 'utf8' }
    const odd: [unknown, typeof events | typeof output][] = [
      [{ type: 'session_status', seq: 'x' }, events],
      [{ type: 'command_output', seq: 1 }, events],
      [{ type: 'command_output', seq: 1, data: { length: -1e12 } }, events],
      [{ ...of, data: 5 }, output],
      [{ ...of, data: { length: 5 }, encoding: 'base64' }, output],
      [{ ...of, offset: null }, output],
      [{ type: 'gap', fromOffset: 0, toOffset: '9' }, output],
      [{ type: 'finished', command: null }, output],
    ]
    for (const [data, open] of odd) {
      const { error, items } = await readFrom(event(data), open)
      expect(error, JSON.stringify(data)).toMatchObject({ rawCode: 'NOT_UNDERSTOOD' })
      expect(items).toEqual([])
    }
  })
})
