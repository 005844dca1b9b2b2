import { type Krown, KrownError } from '@krown/core'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { expect, test } from 'vitest'
import { CallContext } from './context.js'
import { publicProcedure, router } from './init.js'

interface Refused {
  error: { message: string; data: { krown: { code: string } } }
}

const krown = { draining: false } as Krown

/** What tRPC sends to a client when a procedure throws `error`. */
async function answerTo(error: unknown, path = 'fail') {
  const fail = publicProcedure.query(() => {
    throw error
  })
  const origin = { clientIp: null, requestId: 'request-1' }
  const response = await fetchRequestHandler({
    endpoint: '/trpc',
    req: new Request(`http://krown.test/trpc/${path}`),
    router: router({ fail }),
    createContext: () => ({ call: new CallContext({ krown, origin }) }),
  })
  return {
    status: response.status,
    text: await response.clone().text(),
    body: (await response.json()) as Refused,
  }
}

test('a refusal is the same problem that REST answers with', async () => {
  const { status, body } = await answerTo(
    new KrownError('HOST_KEY_UNKNOWN', 'who is it', { details: { a: 1 } }),
  )
  expect(status).toBe(412)
  expect(body.error).toMatchObject({
    message: 'who is it',
    data: {
      code: 'PRECONDITION_FAILED',
      httpStatus: 412,
      path: 'fail',
      krown: { code: 'HOST_KEY_UNKNOWN', status: 412, requestId: 'request-1', details: { a: 1 } },
    },
  })
})

test('an error that nobody meant leaves without its text and without a stack', async () => {
  const { status, text, body } = await answerTo(new Error('secret db path'))
  expect([status, body.error.message]).toEqual([500, 'internal error'])
  expect(text).not.toMatch(/secret|stack/)
})

test('a procedure that is not there is not found', async () => {
  const { status, body } = await answerTo(undefined, '__proto__')
  expect([status, body.error.data.krown.code]).toEqual([404, 'NOT_FOUND'])
})
