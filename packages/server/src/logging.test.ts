import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig } from '@krown/core'
import { createTempDir, waitFor } from '@krown/testkit'
import { runProcess } from '@krown/testkit/child-process'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { loggerOptions, openLog } from './logging.js'

/** What a logger with our options writes for one call. */
function written(fields: object): Record<string, unknown> {
  const lines: string[] = []
  const logger = pino(loggerOptions({ level: 'info' }), { write: (line: string) => void lines.push(line) })
  logger.info(fields, 'message')
  return JSON.parse(lines[0] ?? '')
}

test('a line has level, ISO time, fields and message', () => {
  expect(written({ sessionId: 's-1' })).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    sessionId: 's-1',
    msg: 'message',
  })
})

test('a secret that is logged by accident is not there', () => {
  const text = JSON.stringify(
    written({ password: 'hunter2', a: { token: 'hunter2', b: { privateKey: 'hunter2' } } }),
  )
  expect(text).not.toContain('hunter2')
  const error = Object.assign(new Error('failed'), { token: 'hunter2' })
  const fields = { list: [{ cookie: 'hunter2', name: 'kept' }], error, err: error, at: new Date(0) }
  expect(written(fields)).toMatchObject({
    list: [{ cookie: '[secret]', name: 'kept' }],
    error: { token: '[secret]' },
    err: { message: 'failed' },
    at: '1970-01-01T00:00:00.000Z',
  })
  expect(fields.list).toEqual([{ cookie: 'hunter2', name: 'kept' }])
})

test('an error is told with its causes, without secrets in texts of other libraries', () => {
  const cause = new Error('connect postgres://krown:hunter2@db')
  const { err } = written({ err: new TypeError('failed', { cause }) })
  expect(err).toMatchObject({
    type: 'TypeError',
    message: 'failed',
    cause: { message: 'connect postgres://krown:[secret]@db' },
  })
  expect(JSON.stringify(err)).not.toContain('hunter2')
})

test('a log file is private, rotated at its size, and old ones go', async () => {
  await using dir = await createTempDir()
  const { logging } = parseConfig({
    logging: { format: 'json', file: join(dir.path, 'krown.log'), rotateSize: '1KiB', rotateKeep: 2 },
  })
  const files = () => readdirSync(dir.path).filter((name) => /^krown\.\d+\.log$/.test(name))
  const state = () =>
    files()
      .map((name) => `${name} ${statSync(join(dir.path, name)).size}`)
      .join()
  const log = await openLog(logging)
  for (let line = 0; line < 20; line += 1) {
    const before = state()
    log.logger.info({ line, filler: 'x'.repeat(600) }, 'message')
    await waitFor(() => state() !== before, { what: 'the line to be written' })
  }
  await waitFor(() => files().length === 3, { what: 'old files to go' })
  await log.close()
  const lines = files().flatMap((name) =>
    readFileSync(join(dir.path, name), 'utf8').split('\n').filter(Boolean),
  )
  expect(lines.map((line) => JSON.parse(line).line)).toContain(19)
  for (const name of files()) expect(statSync(join(dir.path, name)).mode & 0o077).toBe(0)
})

test('pretty lines are for people', async () => {
  await using dir = await createTempDir()
  const { logging } = parseConfig({ logging: { format: 'pretty', file: join(dir.path, 'krown.log') } })
  const log = await openLog(logging)
  log.logger.info({ url: 'http://127.0.0.1' }, 'listening')
  await log.close()
  const text = readFileSync(join(dir.path, 'current.log'), 'utf8')
  expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: listening \{"url":"http:\/\/127\.0\.0\.1"\}\n$/)
})

test.each(['json', 'pretty'] as const)(
  'C05: a %s log holds no control characters, and no endless texts',
  async (format) => {
    await using dir = await createTempDir()
    const config = parseConfig({ logging: { file: join(dir.path, 'krown.log'), format } }).logging
    const log = await openLog(config)
    const evil = '\u001b[2J\u009b31m\u007f\r'
    log.logger.error({ err: new Error(`${evil}${'x'.repeat(100_000)}`), clientIp: evil }, 'failed')
    await log.close()
    const text = readFileSync(join(dir.path, 'current.log'), 'utf8')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect(text).toContain('u009b31m')
    expect(text.length).toBeLessThan(15_000)
  },
)

test('what was logged last is written when the process ends by itself, and a warning at once', async () => {
  await using dir = await createTempDir()
  const { logging } = parseConfig({ logging: { format: 'json', file: join(dir.path, 'krown.log') } })
  const current = join(dir.path, 'current.log')
  const script = `const { openLog } = await import(${JSON.stringify(new URL('./logging.ts', import.meta.url).href)})
const { existsSync, readFileSync } = await import('node:fs')
const current = ${JSON.stringify(current)}
const { logger } = await openLog(${JSON.stringify(logging)})
const has = (text) => existsSync(current) && readFileSync(current, 'utf8').includes(text)
logger.warn({}, 'first')
while (!has('first')) await new Promise(setImmediate)
logger.info({}, 'last')
process.exit(has('last') ? 1 : 0)`
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
  await runProcess({ command: process.execPath, args })
  expect(readFileSync(current, 'utf8')).toMatch(/first.*\n.*last/)
})

test('a file that has the name of the link to the newest log is named, and left alone', async () => {
  await using dir = await createTempDir()
  writeFileSync(join(dir.path, 'current.log'), 'mine')
  const opening = openLog(parseConfig({ logging: { file: join(dir.path, 'krown.log') } }).logging)
  await expect(opening).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    details: { fields: [{ path: 'logging.file', message: expect.stringContaining('current.log') }] },
  })
  expect(readFileSync(join(dir.path, 'current.log'), 'utf8')).toBe('mine')
})
