import { catalog, KrownError, type KrownErrorCode } from '@krown/core'
import { TRPCError } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toKrownError, toTrpcError, WIRE } from './error-mapping.js'

const codes = Object.keys(catalog) as KrownErrorCode[]

test('every code of the catalog has its place', () => {
  expect(Object.keys(WIRE).sort()).toEqual([...codes].sort())
})

test('the kind of a code agrees with its status', () => {
  const classOf = {
    invalid_input: 4,
    unauthenticated: 4,
    forbidden: 4,
    not_found: 4,
    conflict: 4,
    failed_precondition: 4,
    limit_exceeded: 4,
    timeout: 5,
    upstream: 5,
    unavailable: 5,
    internal: 5,
  }
  for (const code of codes) {
    expect([code, Math.floor(WIRE[code].http / 100)]).toEqual([code, classOf[catalog[code].kind]])
  }
})

test('a permanent refusal by the target is no 5xx, which clients retry until the account is locked', () => {
  for (const code of ['TARGET_AUTH_FAILED', 'HOST_KEY_MISMATCH', 'HOST_KEY_UNKNOWN'] as const) {
    expect(WIRE[code].http).toBe(412)
  }
})

describe('an error becomes', () => {
  test('itself, when core threw it on purpose, whatever it is wrapped in', () => {
    const error = new KrownError('CONFLICT', 'taken')
    expect(toKrownError(error)).toBe(error)
    expect(toKrownError(new TRPCError({ code: 'INTERNAL_SERVER_ERROR', cause: error }))).toBe(error)
  })

  test('a list of fields, when a schema refused the input; never with a value', () => {
    const schema = z.strictObject({ a: z.object({ b: z.number() }), c: z.enum(['x', 'y']) })
    const { error } = schema.safeParse({ a: { b: 'hunter2' }, c: 'hunter3', d: 'hunter4' })
    const known = toKrownError(new TRPCError({ code: 'BAD_REQUEST', cause: error }))
    expect(known).toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(known.details?.fields).toEqual([
      { path: 'a.b', message: 'Invalid input: expected number, received string' },
      { path: 'c', message: 'Invalid option: expected one of "x"|"y"' },
      { path: 'd', message: 'is not known' },
    ])
    expect(JSON.stringify(known)).not.toContain('hunter')
  })

  test('INTERNAL without its text, when nobody meant it', () => {
    for (const unexpected of [
      new Error('secret db path'),
      'secret',
      new TRPCError({ code: 'CONFLICT', message: 'secret' }),
    ]) {
      const known = toKrownError(unexpected)
      expect(known).toMatchObject({ code: 'INTERNAL', message: 'internal error' })
      expect(known.cause).toBe(unexpected)
    }
  })

  test('INTERNAL, when our own answer does not fit its schema', () => {
    const { error } = z.string().safeParse(1)
    const failed = new TRPCError({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'Output validation failed',
      cause: error,
    })
    expect(toKrownError(failed).code).toBe('INTERNAL')
  })

  test.each(codes)('a TRPCError with the status of %s', (code) => {
    const error = toTrpcError(new KrownError(code, 'what happened'))
    expect(error).toMatchObject({ code: WIRE[code].trpc, message: 'what happened' })
    expect(toKrownError(error).code).toBe(code)
  })
})
