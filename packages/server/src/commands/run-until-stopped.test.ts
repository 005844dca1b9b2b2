import { EventEmitter } from 'node:events'
import { KrownError } from '@krown/core'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { type RunningServer, runUntilStopped } from './run-until-stopped.js'
import { StopRequests } from './stop-requests.js'

/** A server that notes in which order it is ended. */
function running(parts: { drain?: () => Promise<void>; close?: () => Promise<void> } = {}) {
  const done: string[] = []
  const note = (what: string, work?: () => Promise<void>) => async () => {
    done.push(what)
    await work?.()
  }
  const server = {
    krown: { drain: note('drain', parts.drain), close: note('close krown', parts.close) },
    app: { close: note('close server'), server: { closeAllConnections: () => done.push('cut connections') } },
    logger: pino({ level: 'silent' }),
    drainTimeoutMs: 30_000,
  } as unknown as RunningServer
  return { server, done }
}

/** Begins to run it; `source` says when to stop. */
function run(server: RunningServer) {
  const source = new EventEmitter()
  const stop = new StopRequests(source, pino({ level: 'silent' }))
  stop.listen()
  return { source, stop, exitCode: runUntilStopped(server, stop) }
}

const forEver = () => new Promise<void>(() => {})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('%s drains, then closes, and is a success', async (signal) => {
  const { server, done } = running()
  const { source, exitCode } = run(server)
  source.emit(signal, signal)
  expect(await exitCode).toBe(0)
  expect(done).toEqual(['drain', 'close server', 'close krown'])
})

test('a second signal does not wait for the drain', async () => {
  const { server, done } = running({ drain: forEver })
  const { source, exitCode } = run(server)
  source.emit('SIGTERM', 'SIGTERM')
  await Promise.resolve()
  expect(done).toEqual(['drain'])
  source.emit('SIGINT', 'SIGINT')
  expect(await exitCode).toBe(0)
  expect(done).toEqual(['drain', 'close server', 'close krown'])
})

test('an exception that nobody caught closes at once, and is a failure', async () => {
  const { server, done } = running()
  const { source, exitCode } = run(server)
  source.emit('uncaughtException', new Error('a bug'))
  expect(await exitCode).toBe(1)
  expect(done).toEqual(['close server', 'close krown'])
})

test('an exception during the drain ends it', async () => {
  const { server } = running({ drain: forEver })
  const { source, exitCode } = run(server)
  source.emit('SIGTERM', 'SIGTERM')
  source.emit('uncaughtException', new KrownError('INTERNAL', 'a bug'))
  expect(await exitCode).toBe(1)
})

test('a signal that comes before there is anything to stop is not forgotten', async () => {
  const source = new EventEmitter()
  const stop = new StopRequests(source, pino({ level: 'silent' }))
  stop.listen()
  expect(stop.asked).toBe(false)
  source.emit('SIGTERM', 'SIGTERM')
  expect(stop.asked).toBe(true)
  expect(await runUntilStopped(running().server, stop)).toBe(0)
  stop.ignore()
  expect(source.eventNames()).toEqual([])
})
