import { expect, test } from 'vitest'
import { StandardInput } from './standard-input.js'

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function restOf(input: StandardInput): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of input) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test.each([
  [['secret\nrest'], 'secret', 'rest'],
  [['sec', 'ret\r\n', 're', 'st\n'], 'secret', 'rest\n'],
  [['secret'], 'secret', ''],
  [['secret\n'], 'secret', ''],
  [['secret\n\n\n'], 'secret', '\n\n'],
])('%j is a first line and a rest', async (chunks, line, rest) => {
  const input = new StandardInput(chunksOf(...chunks))
  expect([await input.firstLine('it'), await restOf(input)]).toEqual([line, rest])
})

test.each([[['']], [['\nrest']], [['x'.repeat(5000)]], [['x'.repeat(3000), 'x'.repeat(3000), '\n']]])(
  'what is no first line is refused',
  async (chunks) => {
    await expect(new StandardInput(chunksOf(...chunks)).firstLine('it')).rejects.toMatchObject({
      exitCode: 2,
    })
  },
)
