import { waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { examples } from '../../scripts/openapi-examples.js'
import { call } from '../support/call.js'
import { type FakeParts, fakeKrown, TOKEN } from '../support/fake-krown.js'
import { connectTo, request } from '../support/raw-http.js'
import { startServer } from '../support/start-server.js'

const { input: { commandId } = {}, output } = examples['commands.get']
const command = output as object
const headers = { authorization: `Bearer ${TOKEN}`, connection: 'keep-alive' }
const GET = `GET /api/commands/${commandId}`

type Commands = NonNullable<NonNullable<FakeParts['client']>['commands']>

test('who waits for a command and goes away is waited for no more, also behind others on a connection', async () => {
  const signals: AbortSignal[] = []
  const get: Commands['get'] = (_id, { signal } = {}) => {
    if (signal) signals.push(signal)
    return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(command as never)))
  }
  await using server = await startServer(fakeKrown({ client: { commands: { get } } }))
  const socket = await connectTo(server.port)
  socket.write(request(`${GET}?waitMs=60000 HTTP/1.1`, headers).repeat(3))
  const leave = new AbortController()
  const url = `${server.url}/trpc/commands.get?input=${encodeURIComponent(
    JSON.stringify({ commandId, waitMs: 60_000 }),
  )}`
  const overTrpc = fetch(url, { headers: { authorization: headers.authorization }, signal: leave.signal })
  await waitFor(() => signals.length === 4, { what: 'the calls' })
  expect(signals.filter(({ aborted }) => aborted)).toEqual([])
  socket.destroy()
  leave.abort()
  await expect(overTrpc).rejects.toThrow()
  await waitFor(() => signals.every(({ aborted }) => aborted), { what: 'the end of the waiting' })
})

test('closing sessions, which waits for their commands, keeps nothing else from being done', async () => {
  const session = examples['sessions.get'].output as never
  const closing: (() => void)[] = []
  const close = () => new Promise<never>((resolve) => closing.push(() => resolve(session)))
  await using server = await startServer(
    fakeKrown({ client: { sessions: { close, get: async () => session } } }),
  )
  const path = `/api/sessions/${(session as { id: string }).id}`
  const closed = Array.from({ length: 20 }, () => call(server.url, `DELETE ${path}`, { token: TOKEN }))
  await waitFor(() => closing.length === 20, { what: 'the sessions to be closing' })
  expect((await call(server.url, `GET ${path}`, { token: TOKEN })).status).toBe(200)
  for (const finish of closing) finish()
  expect((await Promise.all(closed)).map(({ status }) => status)).toEqual(Array(20).fill(200))
})

test('C24: large answers that nobody reads are few', async () => {
  let asked = 0
  const stdout = '\u0001'.repeat(1024 * 1024)
  const get: Commands['get'] = async () => {
    asked += 1
    return { ...command, stdout, stderr: stdout } as never
  }
  await using server = await startServer(fakeKrown({ client: { commands: { get } } }))
  const sockets = await Promise.all(Array.from({ length: 40 }, () => connectTo(server.port)))
  for (const socket of sockets) {
    socket.pause()
    socket.write(request(`${GET} HTTP/1.1`, headers))
  }
  await waitFor(() => asked > 1, { what: 'the first answers' })
  const refused = await waitFor(
    () => call(server.url, GET, { token: TOKEN }).then((answer) => answer.status === 429 && answer),
    { what: 'the refusal' },
  )
  expect(refused.body).toMatchObject({ code: 'RATE_LIMITED' })
  expect(refused.headers.get('retry-after')).toBe('1')
  for (const socket of sockets) socket.destroy()
  await waitFor(() => call(server.url, GET, { token: TOKEN }).then(({ status }) => status === 200), {
    what: 'room',
  })
})
