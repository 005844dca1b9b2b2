import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { generateKey, startFaultProxy, startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { HostKeyId } from '../../../src/model/ids.js'
import type { SshConnectRequest } from '../../../src/ssh/connector.js'
import { describeOnBothDatabases, describeOnPostgres } from '../../support/databases.js'
import {
  type KrownFixture,
  krownStarter,
  type Peer,
  refusalOf,
  startKrown,
} from '../../support/krown-fixture.js'

const UNKNOWN = `SHA256:${'A'.repeat(43)}`

async function pinForOrganization({ db, actors }: KrownFixture, { host, port }: Peer, fingerprint: string) {
  await db
    .insertInto('known_host_keys')
    .values({
      id: crypto.randomUUID() as string as HostKeyId,
      org_id: actors.admin.orgId,
      user_scope: '',
      host_kind: 'exact',
      host,
      port,
      via: '',
      algorithm: 'ssh-ed25519',
      fingerprint,
      mark: 'trusted',
      source: 'admin',
      pinned_by: actors.admin.userId,
      created_at: 0,
    })
    .execute()
}

/** One address behind which two machines answer in turn. */
async function startAlternating(...peers: Peer[]) {
  let next = 0
  const server = createServer((socket) => {
    const { host, port } = peers[next++ % peers.length] as Peer
    const onward = connect(port, host)
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: { host: '127.0.0.1', port },
    [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')),
  }
}

/** A host's key, and its type and base64 as in a known_hosts file. */
function makeHostKey() {
  const hostKey = generateKey()
  return { hostKey, key: hostKey.publicKey.split(' ').slice(0, 2).join(' ') }
}

const pinsOf = ({ db }: KrownFixture) => db.selectFrom('known_host_keys').selectAll().execute()

describeOnBothDatabases('host keys', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('F13: accept-new pins an unknown key for this user, and says so', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const first = await fixture.open(target)
    expect(first.session).toMatchObject({
      hostKeyFingerprint: target.hostKeyFingerprint,
      hostKeyNewlyPinned: true,
    })
    const second = await fixture.open(target)
    expect(second.session).toMatchObject({ hostKeyNewlyPinned: false })
    expect(await pinsOf(fixture)).toMatchObject([
      {
        user_scope: fixture.actors.operator.userId,
        source: 'first_use',
        fingerprint: target.hostKeyFingerprint,
      },
    ])
    expect(await fixture.entries({ action: 'host_key.pinned' })).toMatchObject([
      {
        facts: { fingerprint: target.hostKeyFingerprint, source: 'first_use', scope: 'user' },
        details: { host: target.host, port: target.port },
      },
    ])
  })

  test('a pin of one user is not a pin of another', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    await fixture.open(target)
    await target.replaceHostKey()
    expect((await fixture.open(target, { person: 'otherOperator' })).session.hostKeyNewlyPinned).toBe(true)
    expect((await refusalOf(fixture.open(target))).code).toBe('HOST_KEY_MISMATCH')
  })

  test('F12: a changed key is refused before any credential leaves, and journaled with both fingerprints', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const before = target.hostKeyFingerprint
    await (await fixture.open(target)).close()
    await target.replaceHostKey(generateKey({ type: 'ecdsa' }))
    const attempts = target.authAttempts.length
    const error = await refusalOf(fixture.open(target))
    expect(error).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { presented: target.hostKeyFingerprint, expected: [before] },
    })
    expect(target.authAttempts).toHaveLength(attempts)
    const id = error.details?.sessionId as never
    expect(await fixture.operator.sessions.get(id)).toMatchObject({
      status: 'error',
      statusReason: 'host_key_mismatch',
    })
    expect(await fixture.entries({ action: 'session.open_failed' })).toMatchObject([
      {
        outcome: 'denied',
        resourceId: id,
        facts: { code: 'HOST_KEY_MISMATCH', presented: target.hostKeyFingerprint, expected: [before] },
      },
    ])
  })

  test('F12: of a changed key, one of another type, that of another host: none gets an attempt to sign in', async () => {
    await using target = await startHostileSshServer()
    await using other = await startHostileSshServer()
    await using fixture = await start()
    const { host, port } = target
    const { hostKeys } = fixture.admin
    const ecdsa = generateKey({ type: 'ecdsa' })
    for (const expected of [UNKNOWN, ecdsa.fingerprint, other.hostKeyFingerprint]) {
      const key = await hostKeys.create({ host, port, fingerprint: expected })
      expect(await refusalOf(fixture.open(target))).toMatchObject({
        code: 'HOST_KEY_MISMATCH',
        details: { presented: target.hostKeyFingerprint, expected: [expected] },
      })
      await hostKeys.delete(key.id)
    }
    expect(target.authAttempts).toEqual([])
    expect(await fixture.entries({ action: 'session.open_failed' })).toHaveLength(3)
  })

  test('F12 T19: a revoked key is refused first, in every policy, by name, by pattern, and when it is given', async () => {
    const { hostKey, key } = makeHostKey()
    await using target = await startHostileSshServer({ hostKeys: [hostKey] })
    const { host, port, hostKeyFingerprint: fingerprint } = target
    for (const hostKeyPolicy of ['accept-new', 'ask', 'strict'] as const) {
      await using fixture = await start({ config: { ssh: { hostKeyPolicy } } })
      const { hostKeys } = fixture.admin
      const refused = { code: 'HOST_KEY_MISMATCH', details: { presented: fingerprint, revoked: true } }
      // Trusted by the organization too, and by the user, which changes nothing.
      await hostKeys.import({ text: `* ${key}\n` })
      await fixture.operator.hostKeys.create({ host, port, fingerprint, scope: 'user' })
      const exact = await hostKeys.create({ host, port, fingerprint, mark: 'revoked', reason: 'leaked' })
      expect(await refusalOf(fixture.open(target))).toMatchObject(refused)
      await hostKeys.delete(exact.id)
      await hostKeys.import({ text: `@revoked [127.0.0.*]:* ${key}\n` })
      expect(await refusalOf(fixture.open(target))).toMatchObject(refused)
      expect(await refusalOf(fixture.open(target, { hostKeyFingerprint: fingerprint }))).toMatchObject(
        refused,
      )
      expect(await refusalOf(fixture.open(target, { hostKeyFingerprint: UNKNOWN }))).toMatchObject(refused)
    }
    expect(target.authAttempts).toEqual([])
  })

  test('a pattern of the organization trusts as a name does, and wins over what a user pinned', async () => {
    const { hostKey, key } = makeHostKey()
    await using target = await startHostileSshServer({ hostKeys: [hostKey] })
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'strict' } } })
    await fixture.admin.hostKeys.import({ text: `[127.0.0.*]:*,![127.0.0.1]:${target.port} ${key}\n` })
    expect(await refusalOf(fixture.open(target))).toMatchObject({ code: 'HOST_KEY_UNKNOWN' })
    await fixture.admin.hostKeys.import({ text: `[127.0.0.?]:* ${key}\n` })
    expect((await fixture.open(target)).session.hostKeyNewlyPinned).toBe(false)
    await target.replaceHostKey()
    const given = { host: target.host, port: target.port, fingerprint: target.hostKeyFingerprint }
    await fixture.operator.hostKeys.create({ ...given, scope: 'user' })
    expect(await refusalOf(fixture.open(target))).toMatchObject({ code: 'HOST_KEY_MISMATCH' })
  })

  test('F12: a certificate in place of a key is refused, and never pinned', async () => {
    const fingerprint = UNKNOWN
    const connect = async ({ verifyHostKey }: SshConnectRequest) => {
      const algorithm = 'ssh-ed25519-cert-v01@openssh.com'
      await verifyHostKey({ algorithm, fingerprint, blob: Buffer.from('x') })
      throw new Error('a certificate was accepted')
    }
    const sshConnector = { connect, [Symbol.asyncDispose]: async () => undefined } as never
    await using fixture = await start({ parts: { sshConnector } })
    const peer = { host: '127.0.0.1', port: 22, username: 'x', privateKey: 'x' }
    for (const hostKeyFingerprint of [undefined, fingerprint])
      expect(await refusalOf(fixture.open(peer, { hostKeyFingerprint }))).toMatchObject({
        code: 'HOST_KEY_MISMATCH',
        details: { presented: fingerprint },
      })
    expect(await pinsOf(fixture)).toEqual([])
  })

  test('a certificate authority is kept, and trusts nothing', async () => {
    const { hostKey, key } = makeHostKey()
    await using target = await startHostileSshServer({ hostKeys: [hostKey] })
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'strict' } } })
    await fixture.admin.hostKeys.import({ text: `@cert-authority * ${key}\n` })
    expect(await refusalOf(fixture.open(target))).toMatchObject({ code: 'HOST_KEY_UNKNOWN' })
  })

  test('F13: of two first connections at once that see different keys, one is pinned and the other refused', async () => {
    await using one = await startHostileSshServer()
    await using two = await startHostileSshServer()
    await using inTurn = await startAlternating(one, two)
    await using fixture = await start()
    const peer = { ...one, ...inTurn.address, username: one.username }
    const auth = { method: 'password', password: 'x' } as const
    const outcomes = await Promise.allSettled([fixture.open(peer, { auth }), fixture.open(peer, { auth })])
    // Whichever key came first: one pin, and whoever saw the other key sent no credential.
    const [pin, ...more] = await pinsOf(fixture)
    expect(more).toEqual([])
    const other = pin?.fingerprint === one.hostKeyFingerprint ? two : one
    expect(other.authAttempts).toEqual([])
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code).sort()).toEqual([
      'HOST_KEY_MISMATCH',
      'TARGET_AUTH_FAILED',
    ])
  })

  test('a given fingerprint has to be the one that is shown, in every policy', async () => {
    await using target = await startHostileSshServer()
    for (const hostKeyPolicy of ['accept-new', 'ask', 'strict'] as const) {
      await using fixture = await start({ config: { ssh: { hostKeyPolicy } } })
      const error = await refusalOf(fixture.open(target, { hostKeyFingerprint: UNKNOWN }))
      expect(error).toMatchObject({
        code: 'HOST_KEY_MISMATCH',
        details: { presented: target.hostKeyFingerprint, expected: [UNKNOWN] },
      })
    }
    expect(target.authAttempts).toEqual([])
  })

  test('ask refuses an unknown key with its fingerprint, and accepts the repetition that names it', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'ask' } } })
    const error = await refusalOf(fixture.open(target))
    expect(error).toMatchObject({
      code: 'HOST_KEY_UNKNOWN',
      details: { presented: target.hostKeyFingerprint, algorithm: 'ssh-ed25519' },
    })
    expect(target.authAttempts).toEqual([])
    const hostKeyFingerprint = target.hostKeyFingerprint
    expect((await fixture.open(target, { hostKeyFingerprint })).session.hostKeyNewlyPinned).toBe(true)
    expect(await pinsOf(fixture)).toMatchObject([{ source: 'given' }])
    // Known from now on.
    await fixture.open(target)
  })

  test('F13: strict refuses every key that no admin pinned, also one that is given', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'strict' } } })
    const { hostKeyFingerprint } = target
    expect((await refusalOf(fixture.open(target))).code).toBe('HOST_KEY_UNKNOWN')
    expect((await refusalOf(fixture.open(target, { hostKeyFingerprint }))).code).toBe('HOST_KEY_UNKNOWN')
    expect(target.authAttempts).toEqual([])
    await pinForOrganization(fixture, target, hostKeyFingerprint)
    expect((await fixture.open(target)).session.hostKeyNewlyPinned).toBe(false)
  })

  test('strict forgets what users pinned for themselves before', async () => {
    await using target = await startHostileSshServer()
    await using before = await start()
    await (await before.open(target)).close()
    await before.krown.close()
    await using after = await startKrown({
      place: before.place,
      config: { ssh: { hostKeyPolicy: 'strict' } },
    })
    expect((await refusalOf(after.open(target))).code).toBe('HOST_KEY_UNKNOWN')
  })

  test("an organization's pin wins over the user's own", async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    await (await fixture.open(target)).close()
    await pinForOrganization(fixture, target, UNKNOWN)
    expect(await refusalOf(fixture.open(target))).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { expected: [UNKNOWN] },
    })
  })
})

describeOnPostgres('host keys while the database is away', (openTestDatabase) => {
  test('F14: a key that cannot be checked is refused, and no credential leaves', async () => {
    await using opened = await openTestDatabase()
    if (opened.place.kind !== 'postgres') throw new Error('expected PostgreSQL')
    const server = new URL(opened.place.url)
    await using proxy = await startFaultProxy({ host: server.hostname, port: Number(server.port) })
    server.hostname = proxy.host
    server.port = String(proxy.port)
    const place = { ...opened.place, url: server.href }
    await using fixture = await startKrown({ place })
    await using target = await startHostileSshServer()
    // Right before the pins are read, which is the first that the verifier does.
    const cut = proxy.cutWhenClientSends('from "krown_1"."known_host_keys"')
    const refused = refusalOf(fixture.open(target))
    await cut
    await proxy.down()
    expect(['UNAVAILABLE', 'AUDIT_UNAVAILABLE']).toContain((await refused).code)
    expect(target.authAttempts).toEqual([])
    await proxy.pass()
    await fixture.open(target)
  })
})
