import { inspect } from 'node:util'
import { startSshd } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { createKrownClient, isKrownError, type KrownClientOptions } from '../../src/index.js'
import { answerWith, refusal } from '../support/answering-server.js'
import { refusalOf } from '../support/refusal.js'
import { startSdkGateway } from '../support/sdk-gateway.js'

const clientOf = (url: string, options: Partial<KrownClientOptions> = {}) =>
  createKrownClient({ url, token: 'krn_pat_secret', ...options })

describe('what a server says', () => {
  test('is an error with everything that it said', async () => {
    await using server = await answerWith(
      429,
      refusal({
        code: 'RATE_LIMITED',
        kind: 'limit_exceeded',
        retryable: true,
        retryAfterMs: 1500,
        details: { a: 1 },
      }),
    )
    const error = await refusalOf(clientOf(server.url).sessions.list())
    expect(isKrownError(error)).toBe(true)
    expect(error).toMatchObject({
      code: 'RATE_LIMITED',
      rawCode: 'RATE_LIMITED',
      message: 'said so',
      kind: 'limit_exceeded',
      retryable: true,
      retryAfterMs: 1500,
      requestId: 'r-1',
      details: { a: 1 },
    })
  })

  test('of a newer one is UNKNOWN where this SDK does not know it, with the code as it was written', async () => {
    await using server = await answerWith(418, refusal({ code: 'TEAPOT', kind: 'beverage', retryable: true }))
    const error = await refusalOf(clientOf(server.url).sessions.list())
    expect(error).toMatchObject({ code: 'UNKNOWN', rawCode: 'TEAPOT', kind: 'internal', retryable: true })
  })

  test('a code that every object has is no code', async () => {
    await using server = await answerWith(418, refusal({ code: 'constructor', kind: '__proto__' }))
    const error = await refusalOf(clientOf(server.url).sessions.list())
    expect(error).toMatchObject({ code: 'UNKNOWN', rawCode: 'constructor', kind: 'internal' })
  })

  test('in a newer answer is read as far as it is known', async () => {
    const user = { id: 'u', username: 'ada', role: 'wizard', hat: 'pointed' }
    await using server = await answerWith(200, JSON.stringify({ result: { data: user } }))
    expect(await clientOf(server.url).auth.me()).toMatchObject({ username: 'ada', role: 'wizard' })
  })
})

describe('what is no Krown server', () => {
  test.each([
    [200, '<html>welcome</html>', 'text/html'],
    [404, '<html>not here</html>', 'text/html'],
    [200, '{"hello":"world"}', 'application/json'],
    [403, 'null', 'application/json'],
  ])('that answers %i %s is UNKNOWN, and its text is not repeated', async (status, body, type) => {
    await using server = await answerWith(status, body, type)
    const error = await refusalOf(clientOf(server.url).sessions.list())
    expect(error).toMatchObject({ code: 'UNKNOWN', rawCode: `HTTP_${status}` })
    expect(error.message).toMatch(/is the URL right\?$/)
    expect(inspect(error)).not.toMatch(/html|world/)
  })

  test.each([502, 503, 504])('that answers %i for the server is a lost connection', async (status) => {
    await using server = await answerWith(status, '<html>bad gateway</html>', 'text/html')
    expect(await refusalOf(clientOf(server.url).sessions.list())).toMatchObject({
      code: 'CONNECTION_LOST',
      kind: 'unavailable',
      retryable: true,
    })
  })
})

describe('a lost connection', () => {
  test('is CONNECTION_LOST, with the reason that the system gives', async () => {
    await using gateway = await startSdkGateway()
    const client = await gateway.admin()
    await gateway.proxy.down()
    const error = await refusalOf(client.sessions.list())
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', details: { reason: 'ECONNREFUSED' } })
  })

  test('that was kept for the next request and has ended unseen costs a question nothing', async () => {
    await using gateway = await startSdkGateway()
    const client = await gateway.admin()
    await client.auth.me()
    gateway.proxy.reset()
    expect(await client.auth.me()).toMatchObject({ role: 'admin' })
  })

  test('while a command was asked for: asking again with its id runs it once', async () => {
    await using gateway = await startSdkGateway()
    await using sshd = await startSshd()
    const client = await gateway.as({ role: 'operator' })
    const { host, port, username, privateKey } = sshd
    await using session = await client.sessions.open({
      host,
      port,
      username,
      auth: { method: 'key', privateKey },
    })
    const file = `/tmp/krown-sdk-${session.id}`
    const command = `echo ran >> ${file}; wc -l < ${file}`
    const cut = gateway.proxy.cutWhenClientSends('sessions.execute', { delivered: true })
    const error = await refusalOf(session.exec(command))
    await cut
    expect(error.code).toBe('CONNECTION_LOST')
    const commandId = error.details?.commandId as never
    expect(await session.exec(command, { commandId })).toMatchObject({ id: commandId, stdout: '1\n' })
    expect(await session.exec(`wc -l < ${file}; rm ${file}`)).toMatchObject({ stdout: '1\n' })
  })

  test('of a server that does not answer ends after the time that was set', async () => {
    await using gateway = await startSdkGateway()
    gateway.proxy.blackhole()
    const client = gateway.connect({ requestTimeoutMs: 50 })
    expect(await refusalOf(client.system.info())).toMatchObject({
      code: 'CONNECTION_LOST',
      details: { reason: 'TIMEOUT' },
    })
  })
})

describe('no secret is in an error, its JSON or what inspect shows,', () => {
  const SECRET = 'hunter2-hunter2-hunter2'
  const shown = (error: unknown) =>
    [
      String(error),
      JSON.stringify(error),
      inspect(error, { depth: 12, showHidden: true, getters: true }),
    ].join('\n')

  async function errorOf(work: () => unknown): Promise<unknown> {
    try {
      await work()
    } catch (error) {
      return error
    }
    throw new Error('expected an error')
  }

  test('whatever goes wrong', async () => {
    await using gateway = await startSdkGateway()
    await using html = await answerWith(404, '<html>')
    const credentials = { username: 'nobody', password: SECRET }
    const auth = { method: 'password', password: SECRET } as const
    const target = { host: '127.0.0.1', port: 1, username: 'root', auth }
    const operator = await gateway.as({ role: 'operator' })
    const down = 'http://127.0.0.1:1'
    const failures: (() => unknown)[] = [
      () => createKrownClient({ url: `https://user:${SECRET}@krown.example.com` }),
      () => createKrownClient({ url: `https://krown.example.com/?token=${SECRET}` }),
      () => createKrownClient({ url: SECRET }),
      () => createKrownClient({ url: down, token: SECRET, credentials }),
      ...[down, html.url, gateway.url].flatMap((url) => [
        () => createKrownClient({ url, token: SECRET }).sessions.list(),
        () => createKrownClient({ url, credentials }).sessions.list(),
        () => createKrownClient({ url, token: SECRET }).sessions.open(target),
        () => createKrownClient({ url }).auth.register({ ...credentials, setupToken: SECRET }),
        async () => {
          await using client = createKrownClient({ url, token: SECRET, reconnectForMs: 1 })
          for await (const _ of client.sessions.events()) break
        },
        async () => {
          await using client = createKrownClient({ url, token: SECRET, reconnectForMs: 1 })
          await client.trpc.auth.me.query()
        },
      ]),
      () => operator.sessions.open(target),
      () => operator.sessions.open({ ...target, surprise: SECRET } as never),
      () => operator.users.create({ username: 'x', password: SECRET }),
    ]
    for (const failure of failures) expect(shown(await errorOf(failure))).not.toContain('hunter2')
  })
})

test('a client does not connect before it is used, and its options are checked', () => {
  for (const url of ['', 'krown.example.com', 'ftp://krown.example.com', 'https://krown.example.com/#x']) {
    expect(() => clientOf(url)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }))
  }
  clientOf('https://krown.example.com/below/')
})
