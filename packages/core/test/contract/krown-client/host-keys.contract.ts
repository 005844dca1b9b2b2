import { expect, test } from 'vitest'
import type { HostKeyId } from '../../../src/model/ids.js'
import { refusal, UNKNOWN_ID, type World } from './world.js'

const fingerprint = (letter: string) => `SHA256:${letter.repeat(43)}`

export function hostKeyTests(world: () => World): void {
  test('are pinned, listed, revoked, trusted again and forgotten by an admin', async () => {
    const { hostKeys } = world().clients.admin
    const host = 'contract.example.com'
    const key = await hostKeys.create({ host, fingerprint: fingerprint('A'), algorithm: 'ssh-ed25519' })
    expect(key).toMatchObject({ host, port: 22, userId: null, mark: 'trusted', source: 'admin' })
    expect(await hostKeys.get(key.id)).toEqual(key)
    const revoked = await hostKeys.update(key.id, { mark: 'revoked', reason: 'leaked' })
    expect(revoked).toEqual({ ...key, mark: 'revoked', reason: 'leaked' })
    expect(await hostKeys.list({ host, mark: 'revoked' })).toEqual({ items: [revoked], nextCursor: null })
    await hostKeys.update(key.id, { mark: 'trusted', reason: 'another was meant' })
    const input = { host, fingerprint: fingerprint('B'), replace: true, reason: 'rebuilt' }
    const now = await hostKeys.create(input)
    expect((await hostKeys.list({ host })).items).toEqual([now])
    expect(await hostKeys.delete(now.id)).toEqual(now)
    expect(await refusal(hostKeys.get(now.id))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('are looked at where a host shows them, and pinned nowhere', async () => {
    const { clients, sshd } = world()
    const { host, port, hostKeyFingerprint } = sshd
    const seen = await clients.admin.hostKeys.probe({ host, port })
    expect(seen).toEqual({
      ...{ host, port, viaTargetId: null, algorithm: 'ssh-ed25519', fingerprint: hostKeyFingerprint },
      standing: 'unknown',
    })
    expect(
      (await clients.admin.hostKeys.list({ host })).items.filter(({ userId }) => userId === null),
    ).toEqual([])
  })

  test('come from a known_hosts file, with a dry run that changes nothing', async () => {
    const { hostKeys } = world().clients.admin
    const text = 'web1 ssh-ed25519\n'
    const counts = { pinned: 0, known: 0, revoked: 0, kept: 0, pattern: 0, conflict: 0, skipped: 1 }
    const lines = [
      { line: 1, outcome: 'skipped', host: 'web1', algorithm: null, fingerprint: null, reason: 'has no key' },
    ]
    expect(await hostKeys.import({ text, dryRun: true })).toEqual({ dryRun: true, counts, lines })
    expect(await hostKeys.import({ text })).toEqual({ dryRun: false, counts, lines })
  })

  test('of rebuilt targets are trusted anew', async () => {
    const { clients, sshd } = world()
    const { host, port, username, hostKeyFingerprint } = sshd
    const { targets, hostKeys } = clients.admin
    const target = await targets.create({ name: 'rebuilt', host, port, username, probe: false })
    const answer = { targetId: target.id, name: 'rebuilt', host, port, errorCode: null }
    const seen = { fingerprint: hostKeyFingerprint, algorithm: 'ssh-ed25519' }
    expect(await hostKeys.retrust({ selector: 'rebuilt', dryRun: true })).toEqual({
      dryRun: true,
      targets: [{ ...answer, ...seen, outcome: 'pinned', before: [] }],
    })
    expect((await hostKeys.list({ host })).items.filter(({ userId }) => userId === null)).toEqual([])
    await hostKeys.retrust({ targetIds: [target.id], reason: 'rebuilt' })
    const [pin] = (await hostKeys.list({ host })).items.filter(({ userId }) => userId === null)
    expect(pin).toMatchObject({ fingerprint: hostKeyFingerprint, source: 'probe', reason: 'rebuilt' })
    await hostKeys.delete(pin?.id as HostKeyId)
    await targets.delete(target.id)
  })

  test("of the organization are not an operator's to pin, and those of others not to be seen", async () => {
    const { operator, otherOperator } = world().clients
    const input = { host: 'contract.example.com', fingerprint: fingerprint('C') }
    expect(await refusal(operator.hostKeys.create(input))).toMatchObject({ code: 'FORBIDDEN' })
    const own = await operator.hostKeys.create({ ...input, scope: 'user' })
    const foreign = await refusal(otherOperator.hostKeys.delete(own.id))
    const absent = await refusal(otherOperator.hostKeys.delete(UNKNOWN_ID as HostKeyId))
    expect(foreign).toMatchObject({ code: 'NOT_FOUND', message: absent.message, details: absent.details })
    expect(await operator.hostKeys.delete(own.id)).toEqual(own)
  })
}
