import { expect, test } from 'vitest'
import { defer } from '../../base/deferred.js'
import { StartGate } from './start-gate.js'

const never = new AbortController().signal
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

test('starts go side by side', async () => {
  const gate = new StartGate()
  const first = defer<string>()
  const started = gate.start(() => first.promise)
  expect(await gate.start(async () => 'second')).toBe('second')
  first.resolve('first')
  expect(await started).toBe('first')
})

test('a look waits for the starts under way and holds new ones until it lets them', async () => {
  const gate = new StartGate()
  const log: string[] = []
  const slow = defer<void>()
  const mayLet = defer<void>()
  const mayEnd = defer<void>()
  const slowStart = gate.start(() => slow.promise)
  const look = gate.look(never, async (letStart) => {
    log.push('look')
    await mayLet.promise
    letStart()
    await mayEnd.promise
  })
  await settle()
  const held = gate.start(async () => void log.push('held start'))
  await settle()
  expect(log).toEqual([])
  slow.resolve()
  await slowStart
  await settle()
  expect(log).toEqual(['look'])
  mayLet.resolve()
  await held
  expect(log).toEqual(['look', 'held start'])
  mayEnd.resolve()
  await look
})

test('a look that gives up waiting holds nothing', async () => {
  const gate = new StartGate()
  const slow = defer<void>()
  const slowStart = gate.start(() => slow.promise)
  const impatient = new AbortController()
  const look = gate.look(impatient.signal, async () => 'never')
  await settle()
  impatient.abort(new Error('time is up'))
  await expect(look).rejects.toThrow('time is up')
  expect(await gate.start(async () => 'started')).toBe('started')
  slow.resolve()
  await slowStart
  expect(await gate.look(never, async () => 'looked')).toBe('looked')
})

test('a start that fails lets the look go on', async () => {
  const gate = new StartGate()
  const failing = defer<void>()
  const start = gate.start(() => failing.promise)
  const look = gate.look(never, async () => 'looked')
  failing.reject(new Error('refused'))
  await expect(start).rejects.toThrow('refused')
  expect(await look).toBe('looked')
})
