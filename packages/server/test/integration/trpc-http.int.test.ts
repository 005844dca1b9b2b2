import { createTRPCClient, httpBatchLink, httpLink, TRPCClientError } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppRouter } from '../../src/index.js'
import { type Gateway, startGateway } from '../support/gateway.js'

let gateway: Gateway
let token: string

beforeAll(async () => {
  gateway = await startGateway()
  token = (await gateway.admin()).token
})
afterAll(() => gateway[Symbol.asyncDispose]())

const options = (bearer = token) => ({
  url: `${gateway.url}/trpc`,
  headers: { authorization: `Bearer ${bearer}` },
})
const clientOf = (bearer?: string) => createTRPCClient<AppRouter>({ links: [httpLink(options(bearer))] })

const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/trpc/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body,
  })
const get = (path: string) =>
  fetch(`${gateway.url}/trpc/${path}`, { headers: { authorization: `Bearer ${token}` } })
interface Answer {
  result?: { data: Record<string, unknown> }
  error?: { data: { krown: Record<string, unknown> } }
}

const codeOf = async (response: Response) => {
  const body = (await response.json()) as Answer | Answer[]
  return [body].flat()[0]?.error?.data.krown.code
}

describe('tRPC over HTTP', () => {
  test('answers queries and mutations, one by one and in batches', async () => {
    const client = clientOf()
    expect(await client.auth.me.query()).toMatchObject({ username: 'first-admin' })
    expect(await client.journal.verify.mutate()).toMatchObject({ ok: true })
    const batching = createTRPCClient<AppRouter>({ links: [httpBatchLink(options())] })
    const [me, info] = await Promise.all([batching.auth.me.query(), batching.system.info.query()])
    expect([me.role, info.setupRequired]).toEqual(['admin', false])
  })

  test('a refusal carries the problem that REST would answer with, and its headers', async () => {
    const error = await clientOf('wrong')
      .auth.me.query()
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TRPCClientError)
    expect((error as TRPCClientError<AppRouter>).data?.krown).toMatchObject({
      code: 'UNAUTHENTICATED',
      status: 401,
    })
    const response = await fetch(`${gateway.url}/trpc/auth.me`)
    const { error: refused } = (await response.json()) as Answer
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(refused?.data.krown.requestId).toBe(response.headers.get('x-request-id'))
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('C21: more than ten calls in a batch are refused, and none runs', async () => {
    const paths = (count: number) => Array(count).fill('auth.logout').join(',')
    for (const count of [11, 10_000]) {
      const response = await post(`${paths(count)}?batch=1`, '{}')
      expect([404, 400, 413, 414, 431]).toContain(response.status)
    }
    const eleven = await post(`${paths(11)}?batch=1`, '{}')
    expect([eleven.status, await codeOf(eleven)]).toEqual([400, 'VALIDATION_FAILED'])
    expect(await clientOf().auth.me.query()).toMatchObject({ username: 'first-admin' })
  })

  test('C21: each call of a batch is authorised and counted on its own', async () => {
    const { token: reader } = await gateway.person('readonly')
    const response = await fetch(
      `${gateway.url}/trpc/auth.me,journal.list,system.info?batch=1&input={"1":{}}`,
      {
        headers: { authorization: `Bearer ${reader}` },
      },
    )
    expect(response.status).toBe(207)
    const [me, journal, info] = (await response.json()) as Answer[]
    expect(me?.result?.data.role).toBe('readonly')
    expect(journal?.error?.data.krown.code).toBe('FORBIDDEN')
    expect(info?.result?.data.version).toMatch(/^\d/)
  })

  test('C12: an answer has one length, however it is asked for', async () => {
    const headers = { authorization: `Bearer ${token}`, 'trpc-accept': 'application/jsonl' }
    const response = await fetch(`${gateway.url}/trpc/auth.me,system.info?batch=1`, { headers })
    expect(response.headers.get('transfer-encoding')).toBeNull()
    expect(await response.json()).toMatchObject([
      { result: { data: { username: 'first-admin' } } },
      { result: { data: { setupRequired: false } } },
    ])
  })

  test('C22: a mutation by GET is 405, what is no procedure is 404', async () => {
    const byGet = await get('auth.logout')
    expect([byGet.status, byGet.headers.get('allow'), await codeOf(byGet)]).toEqual([
      405,
      'POST',
      'METHOD_NOT_ALLOWED',
    ])
    for (const path of [
      '__proto__',
      'constructor',
      'sessions',
      'sessions.nothing',
      'auth.__proto__.me',
      'toString',
    ]) {
      expect([path, (await get(path)).status]).toEqual([path, 404])
    }
    expect((await get('auth.me/more')).status).toBe(404)
    expect((await get('%E0%A4%A')).status).toBe(400)
    expect((await fetch(`${gateway.url}/trpc/auth.me`, { method: 'PUT' })).status).toBe(405)
  })

  test('a subscription is refused in the form of tRPC', async () => {
    for (const path of ['journal.follow', 'sessions.events?batch=1&input={}']) {
      const response = await get(path)
      expect([path, response.status]).toEqual([path, 405])
      expect(response.headers.get('content-type')).toBe('application/json')
      const { error } = (await response.json()) as Answer
      const { krown } = error?.data ?? {}
      expect(krown).toMatchObject({ code: 'METHOD_NOT_ALLOWED', status: 405 })
      expect(krown?.requestId).toBe(response.headers.get('x-request-id'))
    }
  })

  test('C02 C04 C07: input is held to the rules of a REST body, in bodies and in queries', async () => {
    const deep = `${'['.repeat(40)}${']'.repeat(40)}`
    const refused = ['{', deep, '{"__proto__":1}', '{"limit":5', JSON.stringify({ cursor: '\ud800' })]
    for (const input of refused) {
      expect([input, (await post('auth.changePassword', input)).status]).toEqual([input, 400])
      const query = await get(`sessions.list?input=${encodeURIComponent(input.replace('\ud800', '\\ud800'))}`)
      expect([input, query.status, await codeOf(query)]).toEqual([input, 400, 'VALIDATION_FAILED'])
    }
    const invalid = await post('auth.changePassword', Buffer.from([0x22, 0xff, 0x22]))
    expect([invalid.status, await codeOf(invalid)]).toEqual([400, 'VALIDATION_FAILED'])
    expect((await get('sessions.list?input=%ff')).status).toBe(400)
    expect((await get('sessions.list?input={}&input={}')).status).toBe(400)
  })

  test('C01 C09: bodies that are too large, packed or of another type are refused in the form of tRPC', async () => {
    const large = await post('commands.write', JSON.stringify({ data: 'x'.repeat(300_000) }))
    expect([large.status, await codeOf(large)]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    const packed = await post('auth.me', '{}', { 'content-encoding': 'gzip' })
    expect([packed.status, await codeOf(packed)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
    const text = await post('auth.logout', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })
    expect([text.status, await codeOf(text)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })

  test('A09: a refresh token is no access token', async () => {
    const { refreshToken } = await gateway.signIn('first-admin')
    await expect(clientOf(refreshToken).auth.me.query()).rejects.toMatchObject({
      data: { krown: { code: 'UNAUTHENTICATED' } },
    })
    await expect(clientOf().auth.refresh.mutate({ refreshToken: token })).rejects.toMatchObject({
      data: { krown: { code: 'UNAUTHENTICATED' } },
    })
  })
})
