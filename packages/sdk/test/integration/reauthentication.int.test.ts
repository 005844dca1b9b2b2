import { startSshd } from '@krown/testkit'
import { expect, test } from 'vitest'
import { countingFetch } from '../support/counting-fetch.js'
import { refusalOf } from '../support/refusal.js'
import { startSdkGateway } from '../support/sdk-gateway.js'

test('a stream outlives many access tokens on one connection', async () => {
  await using gateway = await startSdkGateway({ auth: { accessTokenTtl: '1s' } })
  await using sshd = await startSshd()
  const { fetch, count } = countingFetch()
  const client = await gateway.as({ role: 'operator' }, { fetch })
  const { host, port, username, privateKey } = sshd
  await using session = await client.sessions.open({
    host,
    port,
    username,
    auth: { method: 'key', privateKey },
  })
  const stream = await session.stream('for i in 1 2 3 4 5 6 7; do echo $i; sleep 0.5; done')
  const before = gateway.proxy.counters.connections
  let text = ''
  for await (const { data } of stream) text += Buffer.from(data).toString()
  expect(text).toBe('1\n2\n3\n4\n5\n6\n7\n')
  expect(count('auth.refresh')).toBeGreaterThan(2)
  expect(gateway.proxy.counters.connections - before).toBeLessThan(3)
})

test('D13: a stream whose login was ended says so', async () => {
  await using gateway = await startSdkGateway()
  const credentials = await gateway.newUser({ role: 'operator' })
  const client = gateway.connect()
  await client.auth.login(credentials)
  const events = client.sessions.events()[Symbol.asyncIterator]()
  const next = refusalOf(events.next())
  const other = gateway.connect({ credentials })
  await other.auth.changePassword({
    currentPassword: credentials.password,
    newPassword: 'another long passphrase',
  })
  expect(await next).toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('A13: a stream of a user who is disabled ends', async () => {
  await using gateway = await startSdkGateway()
  const client = await gateway.as({ role: 'operator' })
  const admin = await gateway.admin()
  const next = refusalOf(client.sessions.events()[Symbol.asyncIterator]().next())
  await admin.users.update((await client.auth.me()).id, { disabled: true })
  expect(['FORBIDDEN', 'UNAUTHENTICATED']).toContain((await next).code)
})
