import { generateKey, startHostileSshServer, startSshd } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { KrownClient } from '../../../src/model/krown-client.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, type Peer, refusalOf, startKrown } from '../../support/krown-fixture.js'

const ed25519 = () => generateKey()
const ecdsa = () => generateKey({ type: 'ecdsa' })
const rsa = () => generateKey({ type: 'rsa', bits: 2048 })

type Key = ReturnType<typeof generateKey>

const typeOf = ({ publicKey }: Key) => publicKey.split(' ')[0] ?? ''
const placeOf = ({ host, port }: Peer) => ({ host, port })

const pin = ({ hostKeys }: KrownClient, peer: Peer, key: Key) =>
  hostKeys.create({ ...placeOf(peer), fingerprint: key.fingerprint, algorithm: typeOf(key) })

const SERVERS = { sshd: startSshd, ssh2: startHostileSshServer }

describe.each(['sshd', 'ssh2'] as const)('a host with several keys, by %s', (kind) => {
  const serve = (...hostKeys: Key[]) => SERVERS[kind]({ hostKeys })

  test.each([
    ['ecdsa', ecdsa],
    ['rsa', rsa],
  ])('shows the one that is known, also when that is only an %s key', async (_, make) => {
    const known = make()
    await using target = await serve(ed25519(), make === rsa ? ecdsa() : rsa(), known)
    await using fixture = await startKrown({ config: { ssh: { hostKeyPolicy: 'strict' } } })
    await pin(fixture.admin, target, known)
    const { session } = await fixture.open(target)
    expect(session).toMatchObject({ hostKeyFingerprint: known.fingerprint, hostKeyNewlyPinned: false })
    const login = { ...placeOf(target), username: target.username }
    const made = await fixture.admin.targets.create({ name: 'web1', ...login })
    expect(made.hostKeyFingerprints).toEqual([known.fingerprint])
    expect(await fixture.admin.hostKeys.probe(placeOf(target))).toMatchObject({
      algorithm: typeOf(known),
      standing: 'trusted',
    })
  })

  test('shows the key that is known without its type, which is known from then on', async () => {
    const known = rsa()
    await using target = await serve(ed25519(), ecdsa(), known)
    await using fixture = await startKrown({ config: { ssh: { hostKeyPolicy: 'strict' } } })
    const { hostKeys } = fixture.admin
    const { fingerprint } = known
    await hostKeys.create({ ...placeOf(target), fingerprint })
    expect(await hostKeys.probe(placeOf(target))).toMatchObject({ standing: 'trusted' })
    expect((await fixture.open(target)).session.hostKeyFingerprint).toBe(fingerprint)
    expect((await hostKeys.list()).items).toMatchObject([{ fingerprint, algorithm: typeOf(known) }])
  })

  test('shows the key that is given, for a session and for a target', async () => {
    const { fingerprint } = rsa()
    const known = ecdsa()
    await using target = await serve(ed25519(), known)
    await using fixture = await startKrown()
    const login = { ...placeOf(target), username: target.username }
    const given = { hostKeyFingerprint: known.fingerprint }
    const adhoc = await fixture.open(target, given)
    expect(adhoc.session).toMatchObject({ ...given, hostKeyNewlyPinned: true })
    const wrong = { hostKeyFingerprint: fingerprint }
    const refused = await refusalOf(fixture.open(target, { ...wrong, person: 'otherOperator' }))
    expect(refused).toMatchObject({ code: 'HOST_KEY_MISMATCH', details: { expected: [fingerprint] } })
    const made = await fixture.admin.targets.create({ name: 'web1', ...login, ...given })
    expect(made.hostKeyFingerprints).toEqual([known.fingerprint])
  })

  test('shows the key of a target that nobody has looked at yet', async () => {
    const known = rsa()
    await using target = await serve(ed25519(), known)
    await using fixture = await startKrown()
    const login = { ...placeOf(target), username: target.username }
    const given = { hostKeyFingerprint: known.fingerprint }
    const { id } = await fixture.admin.targets.create({ name: 'web1', ...login, ...given, probe: false })
    const auth = { method: 'key', privateKey: target.privateKey } as const
    const { session } = await fixture.admin.sessions.open({ targetId: id, auth })
    expect(session).toMatchObject(given)
  })

  test('F12: is refused when none of its keys is the one that was given', async () => {
    await using target = await serve(ed25519(), ecdsa(), rsa())
    await using fixture = await startKrown()
    const { fingerprint } = rsa()
    expect(await refusalOf(fixture.open(target, { hostKeyFingerprint: fingerprint }))).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { expected: [fingerprint] },
    })
  })

  test('F12: is refused when its key of the known kind is another', async () => {
    const known = ecdsa()
    await using target = await serve(ed25519(), ecdsa())
    await using fixture = await startKrown()
    await pin(fixture.admin, target, known)
    const refused = await refusalOf(fixture.open(target))
    expect(refused).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { algorithm: typeOf(known), expected: [known.fingerprint] },
    })
  })

  test('F12: is refused when it no longer has a key of the known kind', async () => {
    const known = ecdsa()
    const shown = ed25519()
    await using target = await serve(shown)
    await using fixture = await startKrown()
    await pin(fixture.admin, target, known)
    expect(await refusalOf(fixture.open(target))).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { presented: shown.fingerprint, expected: [known.fingerprint] },
    })
  })
})

describeOnBothDatabases('the kind of key that a host is asked for', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('is that of what counts: the organization before patterns, and those before what a user pinned', async () => {
    const [ofUser, ofPattern, ofOrg] = [rsa(), ecdsa(), ed25519()]
    await using target = await startSshd({ hostKeys: [ofUser, ofPattern, ofOrg] })
    await using fixture = await start()
    const { admin, operator } = fixture
    const shown = async () => (await fixture.open(target)).session.hostKeyFingerprint
    const own = { ...placeOf(target), fingerprint: ofUser.fingerprint, algorithm: 'ssh-rsa' }
    await operator.hostKeys.create({ ...own, scope: 'user' })
    expect(await shown()).toBe(ofUser.fingerprint)
    await admin.hostKeys.import({ text: `[127.0.0.*]:${target.port} ${ofPattern.publicKey}` })
    expect(await shown()).toBe(ofPattern.fingerprint)
    await pin(admin, target, ofOrg)
    expect(await shown()).toBe(ofOrg.fingerprint)
  })

  test('is that of each hop on the way', async () => {
    const [ofJump, ofTarget] = [ecdsa(), rsa()]
    await using jump = await startSshd({ hostKeys: [ed25519(), ofJump] })
    await using target = await startSshd({ hostKeys: [ed25519(), ofTarget] })
    await using fixture = await start()
    const { targets, credentials, hostKeys } = fixture.admin
    const { privateKey, username } = jump
    const credential = await credentials.create({ name: 'jump', kind: 'private_key', privateKey })
    await pin(fixture.admin, jump, ofJump)
    const login = { ...placeOf(jump), username, credentialId: credential.id }
    const hop = await targets.create({ name: 'jump', ...login })
    const place = { ...placeOf(target), viaTargetId: hop.id }
    await hostKeys.create({ ...place, fingerprint: ofTarget.fingerprint, algorithm: 'ssh-rsa' })
    expect(await hostKeys.probe(place)).toMatchObject({
      fingerprint: ofTarget.fingerprint,
      standing: 'trusted',
    })
  })
})
