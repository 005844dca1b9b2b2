import { expect, test } from 'vitest'
import { runExample } from './run-example.js'

test('07: Krown works below a path of a server that has routes of its own', async () => {
  const output = await runExample('07-your-own-server/server.ts')
  expect(output.trim().split('\n')).toEqual([
    '{"about":"a program of yours"}',
    'over tRPC',
    'echo over tRPC: completed',
  ])
})
