import type { CommandOutputEvent, CommandSummary } from '@krown/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CommandOutputMessage, toOutputMessages } from './command-output.js'

type Chunk = readonly [stream: 'stdout' | 'stderr', bytes: Uint8Array]

const command = { stdoutBytes: 1, stderrBytes: 2 } as CommandSummary

/** What is sent for chunks that arrive one after the other, with the place after each. */
async function messagesOf(chunks: readonly Chunk[]) {
  async function* events(): AsyncGenerator<CommandOutputEvent> {
    let offset = 0
    for (const [stream, data] of chunks) {
      yield { type: 'output', stream, offset, data }
      offset += data.length
    }
    yield { type: 'finished', command }
  }
  const messages = []
  for await (const message of toOutputMessages(events())) messages.push(message)
  return messages
}

const pieces = (messages: readonly (readonly [CommandOutputMessage, number])[]) =>
  messages.flatMap(([message]) => (message.type === 'output' ? [[message.encoding, message.data]] : []))

const smile = Buffer.from('😃')

test('text stays text, also when two chunks share a character', async () => {
  const cut = [smile.subarray(0, 1), smile.subarray(1, 3), smile.subarray(3)]
  const chunks = [Buffer.from('a'), ...cut, Buffer.from('b')].map((bytes) => ['stdout', bytes] as const)
  expect(pieces(await messagesOf(chunks))).toEqual([
    ['utf8', 'a'],
    ['utf8', '😃'],
    ['utf8', 'b'],
  ])
})

test('what is no text is base64, and so is the beginning of a character whose rest never comes', async () => {
  const chunks: Chunk[] = [
    ['stdout', Buffer.from([0xff, 0xfe])],
    ['stdout', Buffer.concat([Buffer.from('ab'), smile.subarray(0, 2)])],
    ['stderr', Buffer.from('c')],
  ]
  expect(pieces(await messagesOf(chunks))).toEqual([
    ['base64', '//4='],
    ['utf8', 'ab'],
    ['base64', smile.toString('base64', 0, 2)],
    ['utf8', 'c'],
  ])
})

test('the place after the last message is the length of both streams', async () => {
  const messages = await messagesOf([['stdout', Buffer.from('abc')]])
  expect(messages.at(-1)).toEqual([{ type: 'finished', command }, 3])
})

test('however it is cut, each byte is sent once and in order, and each place is where to go on', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
  )
  const chunk = fc.tuple(fc.constantFrom('stdout' as const, 'stderr' as const), bytes)
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 12 }), async (chunks) => {
      let end = 0
      const sent = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
      for (const [message, place] of await messagesOf(chunks)) {
        if (message.type !== 'output') continue
        expect(message.offset).toBe(end)
        const data = Buffer.from(message.data, message.encoding)
        sent[message.stream].push(data)
        end += data.length
        expect(place).toBe(end)
      }
      for (const stream of ['stdout', 'stderr'] as const) {
        const printed = chunks.filter(([of]) => of === stream).map(([, data]) => data)
        expect(Buffer.concat(sent[stream])).toEqual(Buffer.concat(printed))
      }
    }),
  )
})
