import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sessionEventSchema } from '@krown/core'
import { expect, test } from 'vitest'
import { CLOSE } from '../../packages/server/src/transport/ws/close-codes.js'
import { MESSAGES } from '../../packages/server/src/transport/ws/messages.js'
import { fencedBlocks, readDocument } from './markdown.js'
import { CHECKOUT, runExample } from './run-example.js'

const PROGRAM = readFileSync(join(CHECKOUT, 'examples/06-websocket-python/watch.py'), 'utf8')
const canRun = process.env.CI === 'true' || existsSync('/usr/lib/python3/dist-packages/websockets')

test.runIf(canRun)('06: a Python program follows a session while commands run in it', async () => {
  const output = await runExample('06-websocket-python/run.ts')
  expect(output.split('\n').slice(-9)).toEqual([
    'session is connected',
    '$ echo hello, wörld',
    'hello, wörld',
    'completed, exit code 0',
    '$ printf "\\377\\376\\n"; exit 3',
    expect.stringContaining('\ufffd'),
    'completed, exit code 3',
    'session is disconnected',
    '',
  ])
})

test('docs/websocket.md shows that program', () => {
  const python = fencedBlocks(readDocument('docs/websocket.md')).filter(
    ({ language }) => language === 'python',
  )
  expect(python.map(({ text }) => text.trim())).toEqual([PROGRAM.trim()])
})

test('docs/websocket.md has every message, event and close code', () => {
  const document = readDocument('docs/websocket.md')
  const rows = new Set([...document.matchAll(/^\| `?([a-z_]+|\d{4})`? \|/gm)].map(([, name]) => name))
  const events = sessionEventSchema.options.map(({ shape }) => shape.type.value)
  for (const name of [...Object.keys(MESSAGES), ...events, ...Object.values(CLOSE).map(String)]) {
    expect(rows).toContain(name)
  }
})
