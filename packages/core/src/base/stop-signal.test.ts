import { expect, test } from 'vitest'
import { StopController, type StopSignal } from './stop-signal.js'

const KINDS: [string, () => StopSignal & { abort(reason: unknown): void }][] = [
  ['a stop controller', () => new StopController()],
  ['an abort controller', abortController],
]

/** What it has to behave like. */
function abortController() {
  const controller = new AbortController()
  return Object.assign(controller.signal, { abort: (reason: unknown) => controller.abort(reason) })
}

test.each(KINDS)('%s tells who listens once, with the first reason', (_kind, make) => {
  const stop = make()
  const heard: unknown[] = []
  stop.addEventListener('abort', () => heard.push(stop.reason), { once: true })
  expect(() => stop.throwIfAborted()).not.toThrow()
  stop.abort('first')
  stop.abort('second')
  expect([stop.aborted, stop.reason, heard]).toEqual([true, 'first', ['first']])
  expect(() => stop.throwIfAborted()).toThrow('first')
})

test.each(KINDS)('%s does not tell who no longer listens, nor who comes too late', (_kind, make) => {
  const stop = make()
  const heard: string[] = []
  const leave = () => heard.push('left')
  stop.addEventListener('abort', leave)
  stop.addEventListener('abort', () => heard.push('stayed'))
  stop.removeEventListener('abort', leave)
  stop.abort('now')
  stop.addEventListener('abort', () => heard.push('late'))
  expect(heard).toEqual(['stayed'])
})

test.each(KINDS)('%s forgets who leaves while it tells the others', (_kind, make) => {
  const stop = make()
  const heard: string[] = []
  const second = () => heard.push('second')
  stop.addEventListener('abort', () => stop.removeEventListener('abort', second))
  stop.addEventListener('abort', second)
  stop.abort('now')
  expect(heard).toEqual([])
})
