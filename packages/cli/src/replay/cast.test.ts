import { expect, test } from 'vitest'
import { readCast } from './cast.js'
import { toRequests } from './replay-keys.js'

async function read(...pieces: string[]) {
  const bytes = async function* () {
    for (const piece of pieces) yield Buffer.from(piece, 'latin1')
  }
  const events: unknown[] = []
  for await (const event of readCast(bytes())) events.push(event)
  return events
}

const HEADER = '{"version":3,"term":{"cols":80,"rows":24}}\n'

test('times are counted from the beginning, and lines may be cut anywhere', async () => {
  const [first = '', second = ''] = [
    '{"version":3,"term":{"cols":80,',
    '"rows":24}}\n# a comment\n[0.5,"o","a"]\n[0.2',
  ]
  expect(await read(first, second, '5,"r","100x30"]\n')).toEqual([
    { header: { columns: 80, rows: 24 } },
    { atMs: 500, code: 'o', data: 'a' },
    { atMs: 750, code: 'r', data: '100x30' },
  ])
})

test('characters may be cut too', async () => {
  const line = Buffer.from('[0,"o","é"]\n').toString('latin1')
  expect(await read(HEADER, line.slice(0, 8), line.slice(8))).toContainEqual({
    atMs: 0,
    code: 'o',
    data: 'é',
  })
})

test('what is no event is passed over, and what is no recording refused', async () => {
  expect(await read(HEADER, '[1]\n{}\n["x","o","a"]\n')).toHaveLength(1)
  await expect(read('{"version":2,"width":80,"height":24}\n')).rejects.toThrow('no recording')
})

test('keys are known however the terminal sends them, several at once too', () => {
  expect(toRequests(' \u001b[C\u001bODq', null)).toEqual([
    { kind: 'pause' },
    { kind: 'move', byMs: 5000 },
    { kind: 'move', byMs: -5000 },
    { kind: 'quit' },
  ])
  expect(toRequests('x', 1000)).toEqual([])
})

test('digits jump to tenths of what has a known length', () => {
  expect(toRequests('5', 10_000)).toEqual([{ kind: 'jump', toMs: 5000 }])
  expect(toRequests('5', null)).toEqual([])
})
