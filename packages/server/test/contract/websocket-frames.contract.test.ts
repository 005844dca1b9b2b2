import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeInput, encodeFrame, type FrameKind } from '../../src/transport/ws/channel-frames.js'

interface Vector {
  readonly frame: string
  readonly kind: FrameKind
  readonly channel: number
  readonly offset: number
  readonly payload: string
}

const document = readFileSync(new URL('../../../../docs/websocket.md', import.meta.url), 'utf8')
const [, json = ''] = /## Binary frames[\s\S]*?```json\n([\s\S]*?)```/.exec(document) ?? []
const vectors: Vector[] = JSON.parse(json)

test('docs/websocket.md has test vectors of every kind of frame', () => {
  expect([...new Set(vectors.map(({ kind }) => kind))]).toEqual([1, 2, 3, 4])
})

test.each(vectors)('$frame is written as docs/websocket.md says', ({ frame, kind, payload, ...place }) => {
  expect(encodeFrame(kind, { ...place, data: Buffer.from(payload, 'hex') }).toString('hex')).toBe(frame)
})

test.each(vectors)('$frame is read as docs/websocket.md says', ({ frame, kind, channel, payload }) => {
  const read = decodeInput(Buffer.from(frame, 'hex'))
  if (kind !== 3) expect(read).toBeUndefined()
  else expect([read?.channel, read?.data.toString('hex')]).toEqual([channel, payload])
})
