import { KrownError } from '@krown/core'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { toKrownError } from '../errors/error-mapping.js'
import { logFailure } from './answer-errors.js'
import { OVER } from './request-ends.js'

function levelsOf(...errors: KrownError[]): number[] {
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  for (const error of errors) logFailure(logger, error, 'a-request')
  return lines.map((line) => (JSON.parse(line) as { level: number }).level)
}

test('a failure of ours is an error in the log, and what cannot be reached a warning', () => {
  const unavailable = new KrownError('UNAVAILABLE', 'the database is away')
  expect(levelsOf(toKrownError(new Error('a bug')), unavailable)).toEqual([50, 40])
})

test('a request whose client has gone, and a refusal, are no failures', () => {
  expect(levelsOf(toKrownError(OVER), new KrownError('FORBIDDEN', 'no'))).toEqual([])
})
