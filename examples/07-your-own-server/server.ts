// Krown below a path of a Fastify server that is yours, beside its own routes.
import { createKrown, type Session } from '@krown/core'
import { appRouter, createContext, krownPlugin } from '@krown/server'
import { createTempDir } from '@krown/testkit/temp-dir'
import { exampleTarget } from '../support/example-target.js'
import { Fastify } from '../support/fastify.js'

await using target = await exampleTarget()
await using data = await createTempDir()
const outbound = { allowLoopback: true, adhocPorts: [] }
await using krown = await createKrown({
  dataDir: data.path,
  auth: { setupToken: 'only an example, yours is a secret' },
  ssh: { outbound },
})

const app = Fastify()
app.get('/', async () => ({ about: 'a program of yours' }))
await app.register(krownPlugin, { krown, prefix: '/ops' })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
// No session may lead back to this server.
krown.protect({ host: '127.0.0.1', port: Number(new URL(url).port) })

async function post<Answer>(path: string, body: object, token = ''): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await response.json()) as Answer
}

// Its own routes, and Krown's below /ops: REST, tRPC, both WebSockets, the API's description.
console.log(await (await fetch(url)).text())
const ada = { username: 'ada', password: 'correct horse battery' }
await post('/ops/api/auth/register', { ...ada, setupToken: krown.config.auth.setupToken })
const { accessToken } = await post<{ accessToken: string }>('/ops/api/auth/login', ada)
const { username, auth } = target
const login = { host: target.host, port: target.port, username, auth }
const session = await post<Session>('/ops/api/sessions', login, accessToken)
const execute = { sessionId: session.id, command: 'echo over tRPC' }
const { result } = await post<{ result: { data: { stdout: string } } }>(
  '/ops/trpc/sessions.execute',
  execute,
  accessToken,
)
console.log(result.data.stdout.trim())

// The same procedures without a network, for code of yours that has a token at hand.
const caller = appRouter.createCaller(
  createContext({
    krown,
    authorization: `Bearer ${accessToken}`,
    origin: { clientIp: null, requestId: 'example' },
  }),
)
const { items } = await caller.commands.list({})
console.log(items.map(({ command, status }) => `${command}: ${status}`).join('\n'))

await app.close()
