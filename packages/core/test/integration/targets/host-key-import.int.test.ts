import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createTempDir, startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { KrownClient } from '../../../src/model/krown-client.js'
import { requireRoomFor } from '../../../src/targets/host-keys/import-quotas.js'
import type { NewPin } from '../../../src/targets/host-keys/pin-writer.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { makeKey } from './known-host-keys-fixture.js'

const run = promisify(execFile)

/** As `ssh-keygen -H` leaves it. */
async function hashed(text: string): Promise<string> {
  await using dir = await createTempDir()
  const file = `${dir.path}/known_hosts`
  await writeFile(file, text)
  await run('ssh-keygen', ['-H', '-f', file])
  return readFile(file, 'utf8')
}

const outcomesOf = async (client: KrownClient, text: string, dryRun = false) =>
  (await client.hostKeys.import({ text, dryRun })).lines.map(({ line, outcome, reason }) => [
    line,
    outcome,
    reason,
  ])

const pinsOf = async (client: KrownClient) =>
  (await client.hostKeys.list({ limit: 200 })).items
    .map(({ host, port, viaTargetId, mark, fingerprint }) => ({ host, port, viaTargetId, mark, fingerprint }))
    .sort((one, other) => (one.host + one.port < other.host + other.port ? -1 : 1))

describeOnBothDatabases('the import of known_hosts', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('pins names, keeps patterns, revokes, and says of each line what became of it', async () => {
    await using fixture = await start()
    const [a, b, c, d, e] = [makeKey(), makeKey(), makeKey(), makeKey(), makeKey()]
    const text = [
      '# mine',
      `web1,10.0.0.1 ${a.text} comment`,
      `[web1]:2222 ${b.text}`,
      `*.example.com,!db.example.com ${c.text}`,
      `@revoked web2 ${d.text}`,
      `@cert-authority *.example.org ${e.text}`,
      'web3 ssh-ed25519 broken',
      `fe80::1%eth0 ${a.text}`,
      `web1 ${a.text}`,
    ].join('\n')
    const expected = [
      [2, 'pinned', null],
      [3, 'pinned', null],
      [4, 'pattern', null],
      [5, 'revoked', null],
      [6, 'kept', null],
      [7, 'skipped', 'has a damaged key'],
      [8, 'skipped', 'names no host that could be dialled'],
      [9, 'known', null],
    ]
    expect(await outcomesOf(fixture.admin, text, true)).toEqual(expected)
    expect(await pinsOf(fixture.admin)).toEqual([])
    const { counts } = await fixture.admin.hostKeys.import({ text, reason: 'from the old jump host' })
    expect(counts).toEqual({ pinned: 2, known: 1, revoked: 1, kept: 1, pattern: 1, conflict: 0, skipped: 2 })
    const pin = { viaTargetId: null, mark: 'trusted' }
    const pins = [
      { ...pin, host: '*.example.com,!db.example.com', port: 0, fingerprint: c.fingerprint },
      { ...pin, host: '*.example.org', port: 0, mark: 'cert_authority', fingerprint: e.fingerprint },
      { ...pin, host: '10.0.0.1', port: 22, fingerprint: a.fingerprint },
      { ...pin, host: 'web1', port: 22, fingerprint: a.fingerprint },
      { ...pin, host: 'web1', port: 2222, fingerprint: b.fingerprint },
      { ...pin, host: 'web2', port: 22, mark: 'revoked', fingerprint: d.fingerprint },
    ]
    expect(await pinsOf(fixture.admin)).toEqual(pins)
    const again = await outcomesOf(fixture.admin, text)
    expect(again.map(([, outcome]) => outcome)).toEqual([
      ...['known', 'known', 'known', 'known', 'known', 'skipped', 'skipped', 'known'],
    ])
    expect(await pinsOf(fixture.admin)).toEqual(pins)
    const entries = await fixture.entries()
    expect(entries.filter(({ action }) => action.startsWith('host_key.'))).toMatchObject([
      {
        action: 'host_key.imported',
        facts: {
          ...{ pinned: 4, revoked: 1, kept: 1, patterns: 2 },
          fingerprints: [a, b, c, d, e].map(({ fingerprint }) => fingerprint).sort(),
        },
        details: {
          reason: 'from the old jump host',
          keys: [
            `cert_authority *.example.org 0 - ${e.fingerprint}`,
            `revoked web2 22 - ${d.fingerprint}`,
            `trusted *.example.com,!db.example.com 0 - ${c.fingerprint}`,
            `trusted 10.0.0.1 22 - ${a.fingerprint}`,
            `trusted web1 22 - ${a.fingerprint}`,
            `trusted web1 2222 - ${b.fingerprint}`,
          ],
        },
      },
    ])
    const { keys = [], digest } = entries.find(({ action }) => action === 'host_key.imported')?.details ?? {}
    const written = (keys as string[]).map((key) => `${key}\n`).join('')
    expect(digest).toBe(createHash('sha256').update(written).digest('hex'))
  })

  test('finds hashed names among the targets, each on its own way, and keeps the rest hashed', async () => {
    await using fixture = await start()
    const { targets } = fixture.admin
    const jump = await targets.create({ name: 'jump', host: 'gate.example.com', username: 'x', probe: false })
    const login = { host: 'db1.example.com', port: 2222, username: 'x', probe: false }
    await targets.create({ ...login, name: 'db1', jumpTargetId: jump.id })
    const [key, other, plain] = [makeKey(), makeKey(), makeKey()]
    const secret = await hashed(`[db1.example.com]:2222 ${key.text}\nelsewhere.example.com ${other.text}\n`)
    const text = `${secret}[db1.example.com]:2222,gate.example.com ${plain.text}\n`
    expect((await outcomesOf(fixture.admin, text)).map(([, outcome]) => outcome)).toEqual([
      'pinned',
      'pattern',
      'pinned',
    ])
    const pins = await pinsOf(fixture.admin)
    const pin = { mark: 'trusted' }
    expect(pins).toHaveLength(4)
    expect(pins).toEqual(
      expect.arrayContaining([
        { ...pin, host: login.host, port: 2222, viaTargetId: jump.id, fingerprint: key.fingerprint },
        { ...pin, host: login.host, port: 2222, viaTargetId: jump.id, fingerprint: plain.fingerprint },
        { ...pin, host: 'gate.example.com', port: 22, viaTargetId: null, fingerprint: plain.fingerprint },
        {
          ...pin,
          host: expect.stringMatching(/^\|1\|/),
          port: 0,
          viaTargetId: null,
          fingerprint: other.fingerprint,
        },
      ]),
    )
    expect((await outcomesOf(fixture.admin, text)).map(([, outcome]) => outcome)).toEqual([
      'known',
      'known',
      'known',
    ])
  })

  test('does not trust again what was replaced, whether its name is hashed or not', async () => {
    await using fixture = await start()
    const { targets, hostKeys } = fixture.admin
    await targets.create({ name: 'web1', host: 'web1.example.com', username: 'x', probe: false })
    const [stale, now] = [makeKey(), makeKey()]
    const line = `web1.example.com ${stale.text}`
    await hostKeys.import({ text: line })
    const place = { host: 'web1.example.com', fingerprint: now.fingerprint, algorithm: 'ssh-ed25519' }
    await hostKeys.create({ ...place, replace: true, reason: 'rebuilt' })
    const conflict = 'another ssh-ed25519 key is trusted there: replace it if this one is right'
    const text = `${line}\n${await hashed(`${line}\n`)}new,${line}\nnew2 ${stale.text}\nnew2 ${now.text}`
    const expected = [
      [1, 'conflict', conflict],
      [2, 'conflict', conflict],
      [3, 'conflict', `${conflict}; of its other hosts it is pinned`],
      [4, 'pinned', null],
      [5, 'pinned', null],
    ]
    expect(await outcomesOf(fixture.admin, text, true)).toEqual(expected)
    expect(await outcomesOf(fixture.admin, text)).toEqual(expected)
    const { items } = await hostKeys.list({ host: 'web1.example.com' })
    expect(items.map(({ fingerprint }) => fingerprint)).toEqual([now.fingerprint])
    expect((await outcomesOf(fixture.admin, text)).map(([, outcome]) => outcome)).toEqual([
      ...['conflict', 'conflict', 'conflict', 'known', 'known'],
    ])
  })

  test('does not trust again what is revoked, and revokes what is trusted', async () => {
    await using fixture = await start()
    const [leaked, good] = [makeKey(), makeKey()]
    const { hostKeys } = fixture.admin
    await hostKeys.create({
      host: 'web1',
      fingerprint: leaked.fingerprint,
      mark: 'revoked',
      reason: 'leaked',
    })
    await hostKeys.create({ host: 'web1', fingerprint: good.fingerprint })
    const text = `web1 ${leaked.text}\n@revoked web1 ${good.text}\nweb1 ${good.text}\n`
    expect(await outcomesOf(fixture.admin, text)).toEqual([
      [1, 'skipped', 'is revoked here'],
      [2, 'revoked', null],
      [3, 'skipped', 'is revoked here'],
    ])
    expect((await hostKeys.list()).items.map(({ mark }) => mark)).toEqual(['revoked', 'revoked'])
  })

  test('of a file that says several things of one key the strongest holds, wherever it stands', async () => {
    await using fixture = await start()
    const [leaked, ca, both] = [makeKey(), makeKey(), makeKey()]
    const text = [
      `web1 ${leaked.text}`,
      `@revoked web1 ${leaked.text}`,
      `web1 ${leaked.text}`,
      `@cert-authority web2 ${ca.text}`,
      `web2 ${ca.text}`,
      `web3 ${both.text}`,
      `@cert-authority web3 ${both.text}`,
      `@revoked web3 ${both.text}`,
    ].join('\n')
    const revoked = 'is revoked here'
    const authority = 'is the key of a certificate authority here'
    const expected = [
      [1, 'skipped', revoked],
      [2, 'revoked', null],
      [3, 'skipped', revoked],
      [4, 'kept', null],
      [5, 'skipped', authority],
      [6, 'skipped', revoked],
      [7, 'skipped', revoked],
      [8, 'revoked', null],
    ]
    expect(await outcomesOf(fixture.admin, text, true)).toEqual(expected)
    expect(await outcomesOf(fixture.admin, text)).toEqual(expected)
    const marks = (await pinsOf(fixture.admin)).map(({ host, mark }) => [host, mark])
    expect(marks).toEqual([
      ['web1', 'revoked'],
      ['web2', 'cert_authority'],
      ['web3', 'revoked'],
    ])
    const again = await outcomesOf(fixture.admin, text)
    expect(again.filter(([, outcome]) => outcome === 'known').map(([line]) => line)).toEqual([2, 4, 8])
    expect(again.filter(([, outcome]) => outcome === 'skipped')).toHaveLength(5)
    expect(await fixture.entries({ action: 'host_key.imported' })).toMatchObject([
      { facts: { pinned: 0, revoked: 2, kept: 1 } },
    ])
  })

  test('the key of an authority does not become that of a host by being pinned', async () => {
    await using fixture = await start()
    const { fingerprint, text } = makeKey()
    const { hostKeys, targets } = fixture.admin
    await hostKeys.import({ text: `@cert-authority web1 ${text}` })
    expect(await refusalOf(hostKeys.create({ host: 'web1', fingerprint }))).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('authority'),
    })
    const login = { name: 'web1', host: 'web1', username: 'x', probe: false, hostKeyFingerprint: fingerprint }
    expect(await refusalOf(targets.create(login))).toMatchObject({ code: 'HOST_KEY_MISMATCH' })
    expect((await pinsOf(fixture.admin)).map(({ mark }) => mark)).toEqual(['cert_authority'])
  })

  test('the key of an authority is never trusted as that of a host, also after it was revoked', async () => {
    await using fixture = await start()
    const { fingerprint, text } = makeKey()
    const { hostKeys } = fixture.admin
    for (const host of ['*.example.com', 'web1']) {
      await hostKeys.import({ text: `@cert-authority ${host} ${text}` })
      const kept = (await hostKeys.list()).items.find((key) => key.host === host)
      if (!kept) throw new Error('the authority is not there')
      for (const mark of ['trusted', 'revoked'] as const) {
        const refused = await refusalOf(hostKeys.update(kept.id, { mark, reason: 'x' }))
        expect(refused).toMatchObject({ code: 'CONFLICT' })
      }
      if (host === 'web1') {
        const revoking = hostKeys.create({ host, fingerprint, mark: 'revoked', reason: 'x' })
        expect(await refusalOf(revoking)).toMatchObject({ code: 'CONFLICT' })
      }
      await hostKeys.import({ text: `@revoked ${host} ${text}`, reason: 'leaked' })
      expect(await hostKeys.get(kept.id)).toMatchObject({ mark: 'revoked' })
      const again = await refusalOf(hostKeys.update(kept.id, { mark: 'trusted', reason: 'x' }))
      expect(again).toMatchObject({ code: 'CONFLICT' })
      expect(await hostKeys.get(kept.id)).toMatchObject({ mark: 'revoked' })
    }
  })

  test('of too many patterns or lines changes nothing', async () => {
    await using fixture = await start()
    const { text } = makeKey()
    const lines = (count: number, host: (place: number) => string) =>
      Array.from({ length: count }, (_, place) => `${host(place)} ${text}`).join('\n')
    const { hostKeys } = fixture.admin
    const patterns = await refusalOf(hostKeys.import({ text: lines(5_001, (place) => `h${place}*`) }))
    expect(patterns).toMatchObject({ code: 'QUOTA_EXCEEDED', details: { limit: 5_000 } })
    const tooMany = await refusalOf(hostKeys.import({ text: lines(10_001, (place) => `h${place}`) }))
    expect(tooMany).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: 'text' }] } })
    const one = 'h,'.repeat(500).slice(0, -1)
    const tooManyHosts = await refusalOf(hostKeys.import({ text: lines(21, () => one) }))
    expect(tooManyHosts).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: 'text' }] } })
    expect((await hostKeys.list()).items).toEqual([])
  })

  test('counts a host on each way to it, and journals batches instead of keys', async () => {
    await using fixture = await start()
    const { targets, hostKeys } = fixture.admin
    const login = { username: 'x', probe: false }
    const jumps = []
    for (const name of ['a', 'b'])
      jumps.push(await targets.create({ ...login, name, host: `${name}.example.com` }))
    for (const { id, name } of jumps)
      await targets.create({ ...login, name: `${name}-db`, host: 'db', jumpTargetId: id })
    const { text } = makeKey()
    const names = (count: number) =>
      Array.from({ length: count }, (_, place) => `h${place},g${place} ${text}`).join('\n')
    const full = `db ${text}\n${names(4_999)}`
    expect(await refusalOf(hostKeys.import({ text: `${full}\nmore ${text}` }))).toMatchObject({
      code: 'VALIDATION_FAILED',
    })
    const { counts } = await hostKeys.import({ text: `db ${text}\n${names(300)}` })
    expect(counts).toMatchObject({ pinned: 301 })
    const entries = await fixture.entries({ action: 'host_key.imported' })
    expect(entries.map(({ facts }) => facts?.pinned)).toEqual([500, 102])
    expect(entries[0]?.details?.keys).toHaveLength(32)
    expect(await fixture.entries({ action: 'host_key.pinned' })).toEqual([])
  })

  test('does not count what it only marks as a pattern more', async () => {
    await using fixture = await start()
    const { hostKeys } = fixture.admin
    const { text } = makeKey()
    const lines = (mark: string) =>
      Array.from({ length: 2_501 }, (_, place) => `${mark}h${place}* ${text}`).join('\n')
    await hostKeys.import({ text: lines('') })
    const { counts } = await hostKeys.import({ text: lines('@revoked ') })
    expect(counts).toMatchObject({ revoked: 2_501 })
  })

  test('skips what would be one trusted key too many of a host, and revokes it all the same', async () => {
    await using fixture = await start()
    const keys = Array.from({ length: 33 }, makeKey)
    const text = keys.map((key) => `web1 ${key.text}`).join('\n')
    const answer = await fixture.admin.hostKeys.import({ text })
    expect(answer.counts).toMatchObject({ pinned: 32, skipped: 1 })
    expect(answer.lines.at(-1)).toMatchObject({
      outcome: 'skipped',
      reason: 'names a host that has 32 keys already',
    })
    const again = await fixture.admin.hostKeys.import({ text })
    expect(again.counts).toMatchObject({ known: 32, skipped: 1 })
    const revoked = await fixture.admin.hostKeys.import({ text: `@revoked web1 ${keys[32]?.text}` })
    expect(revoked.counts).toMatchObject({ revoked: 1 })
  })

  test('keeps no more keys of an organization than it may', async () => {
    await using fixture = await start()
    const { orgId } = fixture.actors.admin
    const { text, fingerprint } = makeKey()
    await fixture.admin.hostKeys.import({ text: `a,b ${text}\n*.c ${text}` })
    await fixture.operator.hostKeys.create({ host: 'd', fingerprint, scope: 'user' })
    const pin = { host: 'e', port: 22, kind: 'exact' } as NewPin
    const quotas = { patterns: 1, pins: 3 }
    await requireRoomFor(fixture.db, orgId, { added: [pin], quotas })
    expect(await refusalOf(requireRoomFor(fixture.db, orgId, { added: [pin, pin], quotas }))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { limit: 3 },
    })
    const pattern: NewPin = { ...pin, kind: 'pattern' }
    expect(await refusalOf(requireRoomFor(fixture.db, orgId, { added: [pattern], quotas }))).toMatchObject({
      details: { limit: 1 },
    })
  })

  test('patterns decide for hosts that nobody pinned by name, revoked ones first', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const [other] = [makeKey()]
    const { hostKeys } = fixture.admin
    const name = `[127.0.0.1]:${target.port}`
    await hostKeys.import({ text: await hashed(`${name} ${other.text}\n`) })
    expect(await refusalOf(fixture.open(target))).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { presented: target.hostKeyFingerprint, expected: [other.fingerprint] },
    })
    expect(target.authAttempts).toEqual([])
  })
})
