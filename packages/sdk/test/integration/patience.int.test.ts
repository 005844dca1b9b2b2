import { type Sshd, startSshd } from '@krown/testkit'
import { expect, test } from 'vitest'
import { createKrownClient, type OpenSessionInput } from '../../src/index.js'
import { refusalOf } from '../support/refusal.js'
import { startSdkGateway } from '../support/sdk-gateway.js'
import { refuseSubscriptions } from '../support/socket-server.js'

function login({ host, port, username, privateKey }: Sshd): OpenSessionInput {
  return { host, port, username, auth: { method: 'key', privateKey } }
}

test('a stream that is refused again and again gives up in the end, also when the connection is fine', async () => {
  await using server = await refuseSubscriptions({
    code: 'UNAVAILABLE',
    kind: 'unavailable',
    retryable: true,
  })
  await using client = createKrownClient({ url: server.url, token: 'krn_pat_x', reconnectForMs: 700 })
  const entries = client.journal.follow({ after: 0 })[Symbol.asyncIterator]()
  expect(await refusalOf(entries.next())).toMatchObject({ code: 'CONNECTION_LOST' })
})

test('a long command is waited for by requests that end in time', async () => {
  await using gateway = await startSdkGateway()
  await using sshd = await startSshd()
  const client = await gateway.as({ role: 'operator' }, { requestTimeoutMs: 1_000 })
  await using session = await client.sessions.open(login(sshd))
  expect(await session.exec('sleep 1.5; echo done')).toMatchObject({ status: 'completed', stdout: 'done\n' })
})

test('a long command is waited for while the server is out of reach', async () => {
  await using gateway = await startSdkGateway()
  await using sshd = await startSshd()
  let asked = 0
  const client = await gateway.as(
    { role: 'operator' },
    {
      requestTimeoutMs: 1_000,
      fetch: async (input, init) => {
        if (String(input).includes('/commands.get')) asked++
        if (asked === 1) await gateway.proxy.down()
        // The first question and the second were asked twice by then.
        if (asked === 5) await gateway.proxy.pass()
        return fetch(input, init)
      },
    },
  )
  await using session = await client.sessions.open(login(sshd))
  expect(await session.exec('sleep 1; echo done')).toMatchObject({ status: 'completed', stdout: 'done\n' })
  expect(asked).toBeGreaterThan(4)
})

test('a request may take for ever', async () => {
  await using gateway = await startSdkGateway()
  const client = await gateway.as({ role: 'operator' }, { requestTimeoutMs: Number.POSITIVE_INFINITY })
  expect(await client.auth.me()).toMatchObject({ role: 'operator' })
})
