import type { Command } from '@krown/core/model'
import { expect, test } from 'vitest'
import { SdkCommandStream, type StartedStream } from './command-stream.js'

test('result can be asked for again after it failed, and is remembered when it did not', async () => {
  const command = { id: 'c', status: 'completed', stdout: 'out' } as Command
  const answers = [Promise.reject(new Error('not now')), Promise.resolve(command)]
  const calls = { untilEnded: () => answers.shift() }
  const stream = new SdkCommandStream({ command, calls } as unknown as StartedStream)
  await expect(stream.result).rejects.toThrow('not now')
  expect(await stream.result).toEqual({ id: 'c', status: 'completed' })
  expect(await stream.result).toEqual({ id: 'c', status: 'completed' })
})
