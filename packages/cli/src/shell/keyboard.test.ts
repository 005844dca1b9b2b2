import { expect, test } from 'vitest'
import type { EscapeRequest } from './escape-keys.js'
import { Keyboard } from './keyboard.js'

/** Takes keys only when told to. */
function slowSink() {
  const sent: string[] = []
  const requests: EscapeRequest[] = []
  const takers: (() => void)[] = []
  let isEnded = false
  return {
    sent,
    requests,
    get isEnded() {
      return isEnded
    },
    take: () => takers.shift()?.(),
    send: (keys: Uint8Array) => {
      sent.push(Buffer.from(keys).toString('latin1'))
      return new Promise<void>((resolve) => takers.push(resolve))
    },
    request: (request: EscapeRequest) => void requests.push(request),
    end: async () => {
      isEnded = true
    },
  }
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('keys are sent in order, one piece at a time, and the end behind them', async () => {
  const sink = slowSink()
  const read = new Keyboard(sink, undefined).read(chunks('a', 'b', 'c'))
  await settled()
  expect([sink.sent, sink.isEnded]).toEqual([['a'], false])
  sink.take()
  await settled()
  expect(sink.sent).toEqual(['a', 'bc'])
  sink.take()
  await read
  expect(sink.isEnded).toBe(true)
})

test('an escape works while the other side takes nothing', async () => {
  const sink = slowSink()
  void new Keyboard(sink, '~').read(chunks('stuck\r', 'more\r', '~.'))
  await settled()
  expect([sink.sent, sink.requests]).toEqual([['stuck\r'], ['end']])
})

test('no more is read than is bounded while nothing is taken', async () => {
  const sink = slowSink()
  let given = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      given += 65_536
      yield Buffer.alloc(65_536)
    }
  }
  void new Keyboard(sink, undefined).read(endless())
  for (let round = 0; round < 20; round++) await settled()
  expect(given).toBeLessThanOrEqual(6 * 65_536)
})

test('what waits is forgotten when it is not wanted any more', async () => {
  const sink = slowSink()
  const keyboard = new Keyboard(sink, undefined)
  const read = keyboard.read(chunks('under way', 'lost'))
  await settled()
  keyboard.forget()
  sink.take()
  await read
  expect(sink.sent).toEqual(['under way'])
})
