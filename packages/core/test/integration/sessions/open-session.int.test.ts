import { generateKey, startHostileSshServer, startRawTcpServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import {
  type KrownFixture,
  krownStarter,
  type Peer,
  refusalOf,
  startKrown,
} from '../../support/krown-fixture.js'

const CLOSED = { ssh: { outbound: { allowLoopback: false, adhocPorts: [22, 2222] } } }

/** A refused open: what the caller is told, the row that is kept, and what the journal says. */
async function refusedOpen(fixture: KrownFixture, peer: Peer, to: { host: string; port?: number }) {
  const error = await refusalOf(fixture.open(peer, to))
  const sessionId = error.details?.sessionId as SessionId
  const row = await fixture.operator.sessions.get(sessionId)
  const entries = await fixture.entries({ resourceId: sessionId })
  return { error, row, entries }
}

/** What every refusal by the outbound policy has in common. */
const DENIED = {
  error: { code: 'TARGET_POLICY_DENIED' },
  row: { status: 'error', statusReason: 'target_policy_denied', connectedAt: null, hostKeyFingerprint: null },
  entries: [
    { action: 'session.opening', outcome: 'success' },
    { action: 'session.open_failed', outcome: 'denied', facts: { code: 'TARGET_POLICY_DENIED' } },
  ],
}

test('E01: this machine by any of its names is refused, with a row and an entry, and no packet goes out', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: { ssh: { outbound: { allowLoopback: false } } } })
  const hosts = [
    '127.0.0.1',
    '127.8.8.8',
    '::1',
    '[::1]',
    '0.0.0.0',
    '::',
    'localhost',
    'LOCALHOST',
    'ip6-localhost',
  ]
  for (const host of hosts) expect(await refusedOpen(fixture, target, { host })).toMatchObject(DENIED)
  expect(target.connectionCount).toBe(0)
})

test('E03: metadata services are refused, whatever the configuration allows', async () => {
  await using target = await startHostileSshServer()
  const outbound = { allow: ['0.0.0.0/0', '::/0', 'metadata.google.internal'], allowLoopback: true }
  await using fixture = await startKrown({ config: { ssh: { outbound } } })
  const hosts = ['169.254.169.254', 'fd00:ec2::254', 'metadata.google.internal', '100.100.100.200']
  for (const host of hosts)
    expect(await refusedOpen(fixture, target, { host, port: 22 })).toMatchObject(DENIED)
})

test('E04: an IPv4 address inside an IPv6 one counts, and zones are refused', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: { ssh: { outbound: { allowLoopback: false } } } })
  const hosts = ['::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fe80::1%eth0']
  for (const host of hosts) expect(await refusedOpen(fixture, target, { host })).toMatchObject(DENIED)
  expect(target.connectionCount).toBe(0)
})

test('E08: the ports of Krown itself are refused, also those that the program adds', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: { server: { host: '127.0.0.1', port: 18_080 } } })
  for (const host of ['127.0.0.1', 'localhost', '127.0.0.2'])
    expect(await refusedOpen(fixture, target, { host, port: 18_080 })).toMatchObject(DENIED)
  await (await fixture.open(target)).close()
  fixture.krown.protect({ host: '0.0.0.0', port: target.port })
  expect(await refusedOpen(fixture, target, { host: '127.0.0.1' })).toMatchObject(DENIED)
  expect(target.connectionCount).toBe(1)
})

test('E09: ports that no SSH server has are refused unless configured', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: CLOSED })
  for (const port of [0, 25, 5432, 6379, 4222])
    expect(await refusedOpen(fixture, target, { host: '192.0.2.1', port })).toMatchObject(DENIED)
})

test('E13: what is no host is refused before anything is written', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown()
  const hosts = [
    'a'.repeat(300),
    '-oProxyCommand=x',
    'host;id',
    '$(id)',
    'a b',
    'пример.example',
    '0x7f.1',
    '2130706433',
  ]
  for (const host of hosts) {
    const error = await refusalOf(fixture.open(target, { host }))
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: 'host' }] } })
  }
  expect((await fixture.operator.sessions.list()).items).toEqual([])
})

test('E14: what another service says is not shown to the user', async () => {
  await using fixture = await startKrown()
  for (const kind of ['http', 'smtp', 'tls-alert', 'echo'] as const) {
    await using server = await startRawTcpServer({ kind })
    const peer = { ...server, host: server.host, port: server.port, username: 'x', privateKey: '' }
    const auth = { method: 'password', password: 'x' } as const
    const error = await refusalOf(fixture.open(peer, { auth }))
    expect(error.code).toBe('TARGET_PROTOCOL_ERROR')
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/HTTP|220|secret|banner/i)
  }
})

test('F16: after a refused key no other secret is tried', async () => {
  await using target = await startHostileSshServer({ auth: { password: true, publicKeys: [] } })
  await using fixture = await startKrown()
  const privateKey = generateKey().privateKey
  const error = await refusalOf(fixture.open(target, { auth: { method: 'key', privateKey } }))
  expect(error).toMatchObject({ code: 'TARGET_AUTH_FAILED', details: { sessionId: expect.any(String) } })
  expect(target.authAttempts.map(({ method }) => method)).toEqual(['publickey'])
})

describeOnBothDatabases('a session that is opened', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('is journaled before the target is dialled and when it is connected', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    await session.close()
    const entries = await fixture.entries({ resourceId: session.id })
    const { userId } = fixture.actors.operator
    expect(entries).toMatchObject([
      {
        action: 'session.opening',
        actorUserId: userId,
        facts: { authMethod: 'key' },
        details: { host: '127.0.0.1', port: target.port, targetUsername: target.username },
      },
      {
        action: 'session.opened',
        actorUserId: userId,
        facts: { hostKeyFingerprint: target.hostKeyFingerprint, hostKeyNewlyPinned: true },
      },
      { action: 'session.closed', actorUserId: userId, facts: { reason: 'closed_by_user' } },
    ])
  })

  test('leaves no secret in the database', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const password = target.password
    const session = await fixture.open(target, { auth: { method: 'password', password } })
    await session.exec('cat', { stdin: 'stdin-secret-4711' })
    await refusalOf(fixture.open(target, { auth: { method: 'password', password: 'wrong-secret-4711' } }))
    for (const table of ['sessions', 'command_logs', 'journal_entries', 'known_host_keys'] as const) {
      const rows = JSON.stringify(await fixture.db.selectFrom(table).selectAll().execute())
      expect(rows).not.toContain(password)
      expect(rows).not.toContain('secret-4711')
    }
  })

  test('counts the bytes of its channels, both ways', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    await session.exec('cat', { stdin: 'x'.repeat(1_000) })
    await session.exec('flood-stderr 5000')
    expect(await session.close()).toMatchObject({ bytesIn: 1_000, bytesOut: 6_000 })
    expect(await fixture.operator.sessions.get(session.id)).toMatchObject({ bytesIn: 1_000, bytesOut: 6_000 })
  })

  test('is known by one spelling of its host', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target, { host: '[::ffff:127.0.0.1]' })
    expect(session.session).toMatchObject({ host: '127.0.0.1', hostKeyNewlyPinned: true })
    expect((await fixture.open(target)).session).toMatchObject({ hostKeyNewlyPinned: false })
    const { items } = await fixture.operator.sessions.list({ host: '127.0.0.1' })
    expect(items).toHaveLength(2)
  })

  test('has port 22 when none is given', async () => {
    await using fixture = await start({ config: { ssh: { outbound: { deny: ['192.0.2.0/24'] } } } })
    const auth = { method: 'password', password: 'x' } as const
    const login = { host: '192.0.2.9', username: 'x', auth }
    const error = await refusalOf(fixture.operator.sessions.open(login))
    expect(await fixture.operator.sessions.get(error.details?.sessionId as SessionId)).toMatchObject({
      port: 22,
      statusReason: 'target_policy_denied',
    })
  })
})
