import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { createKrownClient } from '../../src/index.js'
import { listening } from '../support/answering-server.js'
import { countingFetch } from '../support/counting-fetch.js'
import { redirectTo } from '../support/redirecting-server.js'
import { refusalOf } from '../support/refusal.js'

test.each([301, 302, 303, 307, 308])(
  'a redirect (%i) is not followed with what is secret',
  async (status) => {
    const asked: string[] = []
    await using elsewhere = await listening(
      createServer((request, response) => {
        asked.push(request.url ?? '')
        response.end('{}')
      }),
    )
    await using server = await redirectTo(elsewhere.url, status)
    const { fetch, count } = countingFetch()
    const options = { url: server.url, fetch }
    const credentials = { username: 'ada', password: 'a good long passphrase' }
    const calls = [
      () => createKrownClient({ ...options, credentials }).auth.me(),
      () => createKrownClient({ ...options, credentials, refresh: 'cookie' }).auth.me(),
      () => createKrownClient({ ...options, token: 'krn_pat_x' }).sessions.list(),
    ]
    for (const call of calls) {
      const error = await refusalOf(call())
      expect(error).toMatchObject({ code: 'UNKNOWN', rawCode: 'REDIRECTED', retryable: false })
      expect(error.message).toBe('the server redirects: use its real URL')
    }
    expect(asked).toEqual([])
    expect(count('sessions.list')).toBe(1)
  },
)

test('an answer without end is not read to its end', async () => {
  const chunk = new Uint8Array(1024 * 1024).fill(32)
  let answers = 0
  let cancelled = 0
  const client = createKrownClient({
    url: 'http://127.0.0.1',
    token: 'krn_pat_x',
    fetch: async () => {
      answers++
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(chunk),
        cancel: () => {
          cancelled++
        },
      })
      return new Response(body)
    },
  })
  expect(await refusalOf(client.sessions.list())).toMatchObject({
    code: 'UNKNOWN',
    rawCode: 'ANSWER_TOO_LARGE',
  })
  expect([answers, cancelled]).toEqual([1, 1])
})
