import { generateKey, startHostileSshServer, startSshd } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { Authorize } from '../../../src/auth/gate/gate.js'
import type { CredentialProvider } from '../../../src/targets/dialing/hop-credentials.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { addTarget, storeKey, storePassword } from './targets-fixture.js'

describeOnBothDatabases('a session by target', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('is opened by id or by name in any case, with the stored credential, and knows its target', async () => {
    await using sshd = await startSshd()
    await using fixture = await start()
    const target = await addTarget(fixture.admin, sshd, { name: 'web1' })
    const targetId = target.id
    for (const by of [{ targetId }, { targetName: 'WEB1' }]) {
      await using handle = await fixture.operator.sessions.open(by)
      expect(handle.session).toMatchObject({
        targetId,
        host: sshd.host,
        port: sshd.port,
        username: sshd.username,
        authMethod: 'key',
        hostKeyFingerprint: sshd.hostKeyFingerprint,
        hostKeyNewlyPinned: false,
      })
      expect((await handle.exec('echo hello')).stdout).toBe('hello\n')
      expect(await fixture.operator.sessions.get(handle.id)).toMatchObject({ targetId })
      const [opening] = await fixture.entries({ resourceId: handle.id })
      expect(opening?.facts).toEqual({
        authMethod: 'key',
        targetId,
        credential: 'stored',
        credentialId: target.credentialId,
      })
    }
    await using _adhoc = await fixture.open(sshd)
    const listed = await fixture.operator.sessions.list({ targetId })
    expect(listed.items).toMatchObject([{ targetId }, { targetId }])
  })

  test("is refused by the embedding program's own rule for its id, also when it is asked for by name", async () => {
    await using sshd = await startSshd()
    const denied = new Set<string | undefined>()
    const asked: unknown[] = []
    const authorize: Authorize = (_actor, permission, resource) => {
      if (permission === 'target:use') asked.push(resource)
      return permission !== 'target:use' || !denied.has(resource?.id)
    }
    await using fixture = await start({ parts: { authorize } })
    const { id: targetId } = await addTarget(fixture.admin, sshd, { name: 'web1' })
    await using _opened = await fixture.operator.sessions.open({ targetName: 'web1' })
    expect(asked).toEqual([{ kind: 'target', id: targetId }])
    denied.add(targetId)
    for (const by of [{ targetId }, { targetName: 'web1' }]) {
      expect(await refusalOf(fixture.operator.sessions.open(by))).toMatchObject({ code: 'FORBIDDEN' })
    }
  })

  test('that is refused by name leaves the name in what can be erased', async () => {
    await using fixture = await start()
    const error = await refusalOf(fixture.operator.sessions.open({ targetName: 'of-ada' }))
    expect(error.code).toBe('NOT_FOUND')
    const [entry] = await fixture.entries({ action: 'access.denied' })
    expect(entry).toMatchObject({ resourceId: null, details: { targetName: 'of-ada' } })
    expect(JSON.stringify({ ...entry, details: null })).not.toContain('of-ada')
  })

  test('T17: a stored credential never goes to a host, port or user name of a request', async () => {
    await using honest = await startHostileSshServer()
    await using honeypot = await startHostileSshServer()
    await using fixture = await start()
    const credentialId = await storePassword(fixture.admin, honest)
    const { id: targetId } = await addTarget(fixture.admin, honest, { credentialId, name: 'honest' })
    const { host, port } = honeypot
    const beside = [
      { host },
      { port },
      { host, port },
      { username: 'mallory' },
      { hostKeyFingerprint: honeypot.hostKeyFingerprint },
    ]
    for (const client of [fixture.admin, fixture.operator]) {
      for (const more of beside) {
        for (const by of [{ targetId }, { targetName: 'honest' }]) {
          const error = await refusalOf(client.sessions.open({ ...by, ...more } as never))
          const fields = Object.keys(more).map((path) => expect.objectContaining({ path }))
          expect(error).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields } })
        }
      }
    }
    // Not even to the honest one, when somebody else's name or credential is to be used.
    const auth = { method: 'password', password: 'my own' } as const
    const own = await refusalOf(fixture.operator.sessions.open({ targetId, auth, username: 'me' }))
    expect(own.code).toBe('TARGET_AUTH_FAILED')
    const passwords = [...honest.authAttempts, ...honeypot.authAttempts].map(({ password }) => password)
    expect(passwords).toContain('my own')
    expect(passwords).not.toContain(honest.password)
    expect(honeypot.connectionCount).toBe(0)
  })

  test('T17: a target that moves to another host, or that another host took the place of, gets no credential', async () => {
    await using honest = await startHostileSshServer()
    await using honeypot = await startHostileSshServer()
    await using fixture = await start()
    const credentialId = await storePassword(fixture.admin, honest)
    const { id: targetId } = await addTarget(fixture.admin, honest, { credentialId })
    const moved = await fixture.admin.targets.update(targetId, { port: honeypot.port })
    expect(moved.hostKeyFingerprints).toEqual([])
    expect((await refusalOf(fixture.operator.sessions.open({ targetId }))).code).toBe('HOST_KEY_UNKNOWN')
    const { host, port } = honeypot
    await fixture.admin.hostKeys.create({ host, port, fingerprint: honest.hostKeyFingerprint })
    const impostor = await refusalOf(fixture.operator.sessions.open({ targetId }))
    expect(impostor).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { presented: honeypot.hostKeyFingerprint, expected: [honest.hostKeyFingerprint] },
    })
    // The second time twice: of the key that was pinned the type is not known, so others are asked for.
    expect(honeypot.connectionCount).toBe(3)
    expect(honeypot.authAttempts).toEqual([])
  })

  test('a host that a user pinned is no pinned target, whatever the policy', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    await (await fixture.open(peer)).close()
    const { id: targetId } = await addTarget(fixture.admin, peer, { probe: false })
    expect(await refusalOf(fixture.operator.sessions.open({ targetId }))).toMatchObject({
      code: 'HOST_KEY_UNKNOWN',
      details: { presented: peer.hostKeyFingerprint },
    })
  })

  test('F16: when the stored key is refused, no other secret is tried', async () => {
    await using peer = await startHostileSshServer({
      auth: { username: 'krown', password: 'of the target', publicKeys: [generateKey().publicKey] },
    })
    await using fixture = await start()
    await storePassword(fixture.admin, { password: 'of the target' })
    const { id: targetId } = await addTarget(fixture.admin, peer, {
      credentialId: await storeKey(fixture.admin, peer),
    })
    expect((await refusalOf(fixture.operator.sessions.open({ targetId }))).code).toBe('TARGET_AUTH_FAILED')
    expect(new Set(peer.authAttempts.map(({ method }) => method))).toEqual(new Set(['publickey']))
  })

  test('a target without a credential wants one, and takes it for any user name', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    const { id: targetId } = await addTarget(fixture.admin, peer, { credentialId: null, username: 'nobody' })
    expect(await refusalOf(fixture.operator.sessions.open({ targetId }))).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'auth' }] },
    })
    const { username, password } = peer
    const auth = { method: 'password', password } as const
    await using handle = await fixture.operator.sessions.open({ targetId, username, auth })
    expect(handle.session).toMatchObject({ targetId, username, authMethod: 'password' })
  })

  test('E09: a target may have any port, while ad hoc hosts may not', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { outbound: { adhocPorts: [22] } } } })
    const { id: targetId } = await addTarget(fixture.admin, peer)
    await using _handle = await fixture.operator.sessions.open({ targetId })
    expect(await refusalOf(fixture.open(peer))).toMatchObject({
      details: { setting: 'ssh.outbound.adhoc_ports' },
    })
  })

  test('with allow_adhoc_hosts off the inventory is the only way, and each refusal leaves a row and an entry', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { allowAdhocHosts: false } } })
    const { id: targetId } = await addTarget(fixture.admin, peer)
    await using _handle = await fixture.operator.sessions.open({ targetId })
    const refused = await refusalOf(fixture.open(peer, { person: 'admin' }))
    expect(refused).toMatchObject({
      code: 'TARGET_POLICY_DENIED',
      message: expect.stringContaining('ssh.allow_adhoc_hosts'),
      details: { setting: 'ssh.allow_adhoc_hosts' },
    })
    expect(peer.connectionCount).toBe(2)
    const entries = await fixture.entries({ resourceId: String(refused.details?.sessionId) })
    expect(entries.at(-1)).toMatchObject({ action: 'session.open_failed', outcome: 'denied' })
  })

  test('legacy algorithms are journaled where a target asks for them', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    const { id: targetId } = await addTarget(fixture.admin, peer, { legacyAlgorithms: true })
    await using handle = await fixture.operator.sessions.open({ targetId })
    const [opening] = await fixture.entries({ resourceId: handle.id })
    expect(opening?.facts).toMatchObject({ legacyAlgorithms: true })
  })

  test('goes through jump hosts, each with its own credential and its own pinned key', async () => {
    await using sshds = await startThree()
    const [outer, inner, last] = sshds
    await using fixture = await start()
    const { admin, operator } = fixture
    const first = await addTarget(admin, outer, { name: 'outer' })
    const second = await addTarget(admin, inner, { name: 'inner', jumpTargetId: first.id })
    const target = await addTarget(admin, last, { name: 'last', jumpTargetId: second.id })
    expect(target.hostKeyFingerprints).toEqual([last.hostKeyFingerprint])
    await using handle = await operator.sessions.open({ targetName: 'last' })
    const { stdout } = await handle.exec('echo $SSH_CONNECTION')
    expect(Number(stdout?.trim().split(' ')[3])).toBe(last.port)
    const [opening] = await fixture.entries({ resourceId: handle.id })
    expect(opening?.facts).toMatchObject({ targetId: target.id, jumpTargetIds: [first.id, second.id] })
    // The same host, dialled directly, is another place whose key is not known.
    const direct = await addTarget(admin, last, { name: 'direct', probe: false })
    expect((await refusalOf(operator.sessions.open({ targetId: direct.id }))).code).toBe('HOST_KEY_UNKNOWN')
  })

  test('a jump host without a credential is named, and what the caller brings is not for it', async () => {
    await using jump = await startHostileSshServer()
    await using fixture = await start()
    const { id: jumpTargetId } = await addTarget(fixture.admin, jump, { name: 'gate', credentialId: null })
    const { host, port, username, password } = jump
    const { id: targetId } = await fixture.admin.targets.create({
      ...{ name: 'behind', host, port, username, jumpTargetId },
      probe: false,
    })
    const auth = { method: 'password', password } as const
    const error = await refusalOf(fixture.operator.sessions.open({ targetId, auth }))
    expect(error).toMatchObject({ code: 'CONFLICT', details: { hopName: 'gate' } })
    expect(jump.authAttempts).toEqual([])
  })
})

describeOnBothDatabases('an embedding program with credentials of its own', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('is asked for targets that have none, and for nothing else', async () => {
    await using peer = await startHostileSshServer()
    const asked: unknown[] = []
    const credentialProvider: CredentialProvider = {
      credentialFor: async (request) => {
        asked.push(request)
        return request.target.name === 'known' ? { method: 'password', password: peer.password } : undefined
      },
    }
    await using fixture = await start({ parts: { credentialProvider } })
    const known = await addTarget(fixture.admin, peer, { name: 'known', tags: ['x'], credentialId: null })
    const unknown = await addTarget(fixture.admin, peer, { name: 'unknown', credentialId: null })
    const stored = await addTarget(fixture.admin, peer)
    await using handle = await fixture.operator.sessions.open({ targetId: known.id })
    const { id, name, host, port, username, tags, orgId } = known
    const { operator: actor } = fixture.actors
    expect(asked).toEqual([{ orgId, target: { id, name, host, port, username, tags }, actor }])
    const [opening] = await fixture.entries({ resourceId: handle.id })
    expect(opening?.facts).toMatchObject({ authMethod: 'password', credential: 'provided' })
    await using _other = await fixture.operator.sessions.open({ targetId: stored.id })
    await using _adhoc = await fixture.open(peer)
    expect(asked).toHaveLength(1)
    const missing = await refusalOf(fixture.operator.sessions.open({ targetId: unknown.id }))
    expect(missing).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: 'auth' }] } })
  })

  test.each([
    ['fails', () => Promise.reject(new Error('the token of the vault is s3cr3t'))],
    ['answers nonsense', () => Promise.resolve({ method: 'agent' } as never)],
    ['answers what is no key', () => Promise.resolve({ method: 'key', privateKey: 's3cr3t' } as const)],
  ])('that %s is told in no words of its own, and nothing is dialled', async (_, credentialFor) => {
    await using peer = await startHostileSshServer()
    await using fixture = await start({ parts: { credentialProvider: { credentialFor } } })
    const { id: targetId } = await addTarget(fixture.admin, peer, { credentialId: null })
    const error = await refusalOf(fixture.operator.sessions.open({ targetId }))
    expect(error.code).toBe('UNAVAILABLE')
    expect(JSON.stringify([error.message, error.details])).not.toContain('s3cr3t')
    expect(peer.connectionCount).toBe(1)
  })

  test('is not asked by who may not open the session', async () => {
    await using peer = await startHostileSshServer()
    let asked = 0
    const credentialFor = async () => {
      asked += 1
      return undefined
    }
    const authorize = () => false
    await using fixture = await start({ parts: { credentialProvider: { credentialFor } } })
    const { id: targetId } = await addTarget(fixture.admin, peer, { credentialId: null })
    expect((await refusalOf(fixture.as('readonly').sessions.open({ targetId }))).code).toBe('FORBIDDEN')
    await using strict = await start({ parts: { credentialProvider: { credentialFor }, authorize } })
    expect((await refusalOf(strict.operator.sessions.open({ targetId }))).code).toBe('FORBIDDEN')
    expect(asked).toBe(0)
  })
})

async function startThree() {
  const all = await Promise.all([startSshd(), startSshd(), startSshd()])
  const stop = async () => void (await Promise.all(all.map((sshd) => sshd.stop())))
  return Object.assign(all, { [Symbol.asyncDispose]: stop })
}
