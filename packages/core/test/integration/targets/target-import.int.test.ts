import { expect, test } from 'vitest'
import type { ImportTargetsInput } from '../../../src/model/target-import.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { type KrownFixture, krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { seedOrg } from '../db/seed.js'

const at = (name: string, more: object = {}) => ({
  name,
  host: `${name}.example.com`,
  username: 'root',
  ...more,
})

describeOnBothDatabases('an import of targets', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)
  const outcomes = async ({ admin }: KrownFixture, input: ImportTargetsInput) =>
    (await admin.targets.import(input)).items.map(({ name, outcome, changed }) =>
      [name, outcome, ...changed].join(' '),
    )

  test('makes what is not there, and of the same again changes nothing', async () => {
    await using fixture = await start()
    const targets = [at('Gate', { port: 2200 }), at('web1', { tags: ['Web', 'prod'], jump: 'gate' })]
    expect(await outcomes(fixture, { targets, dryRun: true })).toEqual(['gate created', 'web1 created'])
    expect((await fixture.admin.targets.list()).items).toEqual([])
    expect(await outcomes(fixture, { targets })).toEqual(['gate created', 'web1 created'])
    const [web1, gate] = (await fixture.admin.targets.list()).items
    expect(gate).toMatchObject({
      name: 'gate',
      host: 'gate.example.com',
      port: 2200,
      hostKeyFingerprints: [],
    })
    expect(web1).toMatchObject({ name: 'web1', port: 22, tags: ['prod', 'web'], jumpTargetId: gate?.id })
    const before = (await fixture.entries()).length
    expect(await outcomes(fixture, { targets })).toEqual(['gate unchanged', 'web1 unchanged'])
    expect((await fixture.entries()).length).toBe(before)
    expect(await fixture.entries({ action: 'target.created' })).toMatchObject([
      { resourceId: gate?.id, details: { target: 'gate' } },
      { resourceId: web1?.id, details: { target: 'web1' } },
    ])
  })

  test('changes what is different, adds tags and takes none away, and says which fields', async () => {
    await using fixture = await start()
    const { admin } = fixture
    const { id } = await admin.credentials.create({ name: 'root', kind: 'password', password: 'a secret' })
    await admin.targets.create({ ...at('web1', { tags: ['mine'] }), probe: false, description: 'kept' })
    const targets = [at('web1', { host: '10.0.0.9', tags: ['web'] })]
    expect(await outcomes(fixture, { targets, credentialId: id })).toEqual([
      'web1 updated host tags credentialId',
    ])
    const other = await admin.credentials.create({ name: 'other', kind: 'password', password: 'another' })
    expect(await outcomes(fixture, { targets, credentialId: other.id })).toEqual(['web1 unchanged'])
    expect((await admin.targets.list()).items).toMatchObject([
      { host: '10.0.0.9', tags: ['mine', 'web'], credentialId: id, description: 'kept' },
    ])
  })

  test('leaves what is not stated as it is, and gives it to a new target by default', async () => {
    await using fixture = await start()
    const { admin } = fixture
    const gate = await admin.targets.create({ ...at('gate'), probe: false })
    const place = { host: '10.0.0.9', port: 2222, username: 'deploy', jumpTargetId: gate.id }
    await admin.targets.create({ name: 'web1', ...place, probe: false })
    const targets = [{ name: 'web1' }, { name: 'new.example.com' }]
    expect(await outcomes(fixture, { targets, username: 'ops' })).toEqual([
      'web1 unchanged',
      'new.example.com created',
    ])
    const [made, web1] = (await admin.targets.list()).items
    expect(web1).toMatchObject(place)
    expect(made).toMatchObject({ host: 'new.example.com', port: 22, username: 'ops', jumpTargetId: null })
    expect(await outcomes(fixture, { targets: [{ name: 'web1', port: 22 }] })).toEqual(['web1 updated port'])
    expect(await outcomes(fixture, { targets: [{ name: 'web1', jump: null }] })).toEqual([
      'web1 updated jumpTargetId',
    ])
    expect((await admin.targets.import({ targets: [{ name: 'other' }] })).items).toMatchObject([
      { outcome: 'refused', reason: 'it has no user name' },
    ])
  })

  test('gives no target more tags than it may have, and says so', async () => {
    await using fixture = await start()
    const tags = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `${kind}${n}`)
    await fixture.admin.targets.create({ ...at('web1', { tags: tags('mine', 60) }), probe: false })
    const targets = [at('web1', { tags: tags('web', 5) }), at('web2', { tags: tags('web', 5) })]
    expect((await fixture.admin.targets.import({ targets })).items).toMatchObject([
      { name: 'web1', outcome: 'refused', reason: 'it would have more than 64 tags' },
      { name: 'web2', outcome: 'created' },
    ])
    expect(await outcomes(fixture, { targets: [at('web1', { tags: tags('web', 4) })] })).toEqual([
      'web1 updated tags',
    ])
  })

  test('refuses one by one, with the reason, what cannot be reached or named', async () => {
    await using fixture = await start()
    const chain = Array.from({ length: 10 }, (_, n) => at(`hop${n}`, n > 0 ? { jump: `hop${n - 1}` } : {}))
    const { items } = await fixture.admin.targets.import({
      targets: [
        at('good'),
        at('GOOD'),
        at('lost', { jump: 'nowhere' }),
        at('self', { jump: 'self' }),
        at('cloud', { host: '169.254.169.254' }),
        ...chain,
      ],
    })
    expect(items.map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      'created',
      'the name is there twice',
      'its jump host nowhere is neither in the inventory nor before it',
      'its jump host self is neither in the inventory nor before it',
      expect.stringMatching(/./),
      ...Array.from({ length: 9 }, () => 'created'),
      'its way has more than 8 jump hosts',
    ])
    expect(items[4]).toMatchObject({ outcome: 'refused', targetId: null })
  })

  test('that would make a target reach itself is refused for that one, and done for the others', async () => {
    await using fixture = await start()
    await fixture.admin.targets.import({ targets: [at('a'), at('b', { jump: 'a' })] })
    const targets = [at('a', { jump: 'b' }), at('c')]
    for (const dryRun of [true, false]) {
      expect((await fixture.admin.targets.import({ targets, dryRun })).items).toMatchObject([
        { name: 'a', outcome: 'refused', reason: 'the target would be reached through itself' },
        { name: 'c', outcome: 'created' },
      ])
    }
  })

  test('moves jump hosts with all that is behind them, as long as the ways stay short enough', async () => {
    await using fixture = await start()
    const chain = (name: string, length: number) =>
      Array.from({ length }, (_, n) => at(`${name}${n}`, n > 0 ? { jump: `${name}${n - 1}` } : {}))
    await fixture.admin.targets.import({ targets: [...chain('a', 5), ...chain('b', 5)] })
    const moves = [
      at('b0', { jump: 'a4' }),
      at('a1', { jump: null }),
      at('b0', { jump: 'a4' }),
      at('b1', { jump: 'a0' }),
      at('new', { jump: 'b0' }),
      at('a0', { jump: 'new' }),
    ]
    const expected = [
      'b0: its way has more than 8 jump hosts',
      'a1 updated jumpTargetId',
      'b0 updated jumpTargetId',
      'b1 updated jumpTargetId',
      'new created',
      'a0: its way has more than 8 jump hosts',
    ]
    for (const dryRun of [true, false]) {
      const { items } = await fixture.admin.targets.import({ targets: moves, dryRun })
      expect(
        items.map(({ name, outcome, changed, reason }) =>
          reason === null ? [name, outcome, ...changed].join(' ') : `${name}: ${reason}`,
        ),
      ).toEqual(expected)
    }
  })

  test('says of what is behind a jump host that was refused that it was', async () => {
    await using fixture = await start()
    const targets = [at('gate', { host: '169.254.169.254' }), at('web1', { jump: 'GATE' })]
    const { items } = await fixture.admin.targets.import({ targets })
    expect(items[1]).toMatchObject({ outcome: 'refused', reason: 'its jump host GATE was refused' })
  })

  test('knows names in any case, and those of 500 that it has just changed', async () => {
    await using fixture = await start()
    const targets = (spell: (name: string) => string, tags: string[]) =>
      Array.from({ length: 500 }, (_, n) => ({
        ...at(`h${n}`, n > 0 ? { jump: spell('h0') } : {}),
        ...{ name: spell(`h${n}`), tags },
      }))
    const upper = (name: string) => name.toUpperCase()
    const lower = (name: string) => name
    const all = (outcome: string) => Array.from({ length: 500 }, (_, n) => `h${n} ${outcome}`)
    expect(await outcomes(fixture, { targets: targets(upper, []) })).toEqual(all('created'))
    expect(await outcomes(fixture, { targets: targets(lower, []) })).toEqual(all('unchanged'))
    expect(await outcomes(fixture, { targets: targets(lower, ['Web']) })).toEqual(all('updated tags'))
    expect(await outcomes(fixture, { targets: targets(upper, ['web']) })).toEqual(all('unchanged'))
    const entries = await fixture.entries({ action: 'target.updated' })
    expect(entries).toHaveLength(500)
    expect(entries[7]).toMatchObject({
      facts: { changed: ['tags'] },
      details: { target: 'h7', tags: ['web'], before: { target: 'h7', tags: [] } },
    })
  })

  test('changes no target of another organization, even of the same name', async () => {
    await using fixture = await start()
    await fixture.admin.targets.import({ targets: [at('web1')] })
    const { orgId } = await seedOrg(fixture.database)
    const identity = { issuer: 'test', subject: 'stranger', displayName: 'stranger', role: 'admin' } as const
    const stranger = fixture.krown.as(await fixture.krown.actors.external({ ...identity, orgId }))
    await stranger.targets.import({ targets: [at('web1'), at('web2', { jump: 'web1' })] })
    await stranger.targets.import({ targets: [at('web1', { tags: ['theirs'] })] })
    expect((await fixture.admin.targets.list()).items).toMatchObject([{ name: 'web1', tags: [] }])
  })

  test('B02 B04: is for admins, and knows nothing of other organizations', async () => {
    await using fixture = await start()
    const refused = await refusalOf(fixture.operator.targets.import({ targets: [at('web1')] }))
    expect(refused).toMatchObject({ code: 'FORBIDDEN' })
    const credentialId = '01932c1e-0000-7000-8000-000000000001' as never
    const foreign = await refusalOf(fixture.admin.targets.import({ targets: [at('web1')], credentialId }))
    expect(foreign).toMatchObject({ code: 'NOT_FOUND', message: 'credential not found' })
    const dryRun = fixture.admin.targets.import({ targets: [at('web1')], credentialId, dryRun: true })
    expect(await refusalOf(dryRun)).toMatchObject({ code: 'NOT_FOUND', message: 'credential not found' })
    expect((await fixture.admin.targets.list()).items).toEqual([])
  })

  test('takes 500 at once, and no more', async () => {
    await using fixture = await start()
    const targets = Array.from({ length: 500 }, (_, n) => at(`h${n}`, { tags: ['many'] }))
    const done = await outcomes(fixture, { targets })
    expect(done).toHaveLength(500)
    expect(new Set(done.map((one) => one.split(' ')[1]))).toEqual(new Set(['created']))
    expect(await refusalOf(fixture.admin.targets.import({ targets: [...targets, at('x')] }))).toMatchObject({
      code: 'VALIDATION_FAILED',
    })
  })
})
