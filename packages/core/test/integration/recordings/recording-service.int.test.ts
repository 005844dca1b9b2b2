import { randomBytes } from 'node:crypto'
import { copyFile, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { FakeClock, startHostileSshServer, waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import { parseConfig } from '../../../src/config/parse-config.js'
import type { RecordingId } from '../../../src/model/ids.js'
import type { Recording } from '../../../src/model/recording.js'
import { openKrownAdmin } from '../../../src/open-admin.js'
import {
  configFor,
  type KrownFixture,
  type Person,
  refusalOf,
  startKrown,
} from '../../support/krown-fixture.js'
import { fileOf, printedIn, readRecording } from './recordings-fixture.js'

const recordingsOf = ({ krown, actors }: KrownFixture, person: Person = 'operator') =>
  krown.as(actors[person]).recordings

async function recordOne(fixture: KrownFixture, text: string): Promise<Recording> {
  await using target = await startHostileSshServer()
  const session = await fixture.open(target)
  const { recordingId } = await session.exec(`echo ${text}`)
  await session.close()
  return recordingsOf(fixture).get(recordingId as RecordingId)
}

const exists = (path: string) => stat(path).then(Boolean, () => false)

describe('rights', () => {
  test("B03: a recording is its owner's and the auditors' to see, and the admins' to delete", async () => {
    await using fixture = await startKrown()
    const { id } = await recordOne(fixture, 'x')
    const absent = await refusalOf(recordingsOf(fixture, 'otherOperator').get(newId()))
    for (const person of ['otherOperator', 'readonly'] as const) {
      const api = recordingsOf(fixture, person)
      expect(await refusalOf(api.get(id))).toMatchObject({ code: 'NOT_FOUND', message: absent.message })
      expect((await api.list()).items).toEqual([])
      expect(await refusalOf(api.delete(id))).toMatchObject({ code: 'FORBIDDEN' })
    }
    for (const person of ['operator', 'auditor', 'admin'] as const) {
      expect((await recordingsOf(fixture, person).list()).items).toMatchObject([{ id }])
      expect(await recordingsOf(fixture, person).get(id)).toMatchObject({ id })
    }
    for (const person of ['operator', 'auditor'] as const)
      expect(await refusalOf(recordingsOf(fixture, person).delete(id))).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('C15: a recording is found by its id, and by nothing that looks like a path', async () => {
    await using fixture = await startKrown()
    const api = recordingsOf(fixture, 'admin')
    for (const id of ['../../etc/passwd', '..%2f..%2fetc', '/etc/passwd', 'x'.repeat(4_096), ''])
      expect(await refusalOf(api.get(id as RecordingId))).toMatchObject({ code: 'VALIDATION_FAILED' })
    const { id } = await recordOne(fixture, 'x')
    const file = fileOf(fixture, id)
    await rename(file, `${file}.moved`)
    await symlink(`${file}.moved`, file)
    await expect(readRecording(fixture, id)).rejects.toMatchObject({ code: 'ELOOP' })
  })
})

test('G10: a file that stands in the place of another is refused, also when it says that it is the other', async () => {
  await using fixture = await startKrown()
  const [one, two] = [await recordOne(fixture, 'one'), await recordOne(fixture, 'two')]
  await copyFile(fileOf(fixture, one.id), fileOf(fixture, two.id))
  await expect(readRecording(fixture, two.id)).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('another recording'),
  })
  const forged = (await readFile(fileOf(fixture, one.id), 'latin1')).replaceAll(one.id, two.id)
  await writeFile(fileOf(fixture, two.id), forged, 'latin1')
  const { records, ending } = await readRecording(fixture, two.id)
  expect(records).toEqual([])
  expect(ending).toMatchObject({ complete: false, problem: { frame: 0, reason: 'changed' } })
})

describe('deleting', () => {
  test('destroys file and key; row and digest stay, and the chain is whole', async () => {
    await using fixture = await startKrown()
    const before = await recordOne(fixture, 'x')
    const api = recordingsOf(fixture, 'admin')
    const deleted = await api.delete(before.id)
    expect(deleted).toMatchObject({ ...before, status: 'deleted', deletedAt: expect.any(String) })
    expect(await exists(fileOf(fixture, before.id))).toBe(false)
    const [row] = await fixture.db.selectFrom('recordings').selectAll().execute()
    expect(row).toMatchObject({ sealed_key: null, key_id: null, sha256: before.sha256 })
    expect(await api.delete(before.id)).toEqual(deleted)
    const entries = await fixture.entries({ action: 'recording.deleted' })
    expect(entries).toMatchObject([
      { resourceId: before.id, facts: { reason: 'request', sha256: before.sha256 } },
    ])
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
    expect((await recordingsOf(fixture).list({ status: 'deleted' })).items).toEqual([deleted])
  })

  test('is refused while it is recorded', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await startKrown()
    const session = await fixture.open(target)
    const { recordingId } = await session.exec('echo x')
    const refused = await refusalOf(recordingsOf(fixture, 'admin').delete(recordingId as RecordingId))
    expect(refused).toMatchObject({ code: 'CONFLICT' })
    expect(await exists(fileOf(fixture, recordingId))).toBe(true)
  })

  test('G14: happens by itself when a recording is old enough, and leaves a tombstone with its digest', async () => {
    const clock = new FakeClock()
    await using fixture = await startKrown({ clock, config: { recordings: { retention: '1h' } } })
    const old = await recordOne(fixture, 'old')
    await clock.advanceAsync(59 * 60_000)
    const young = await recordOne(fixture, 'young')
    await waitFor(
      async () => {
        await clock.advanceAsync(60_000)
        return (await recordingsOf(fixture).get(old.id)).status === 'deleted'
      },
      { what: 'the old recording to be deleted' },
    )
    expect(await recordingsOf(fixture).get(young.id)).toMatchObject({ status: 'closed' })
    expect(await fixture.entries({ action: 'recording.deleted' })).toMatchObject([
      { resourceId: old.id, facts: { reason: 'retention', sha256: old.sha256 } },
    ])
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
  })
})

test('a list narrows down to what is asked for', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const other = await fixture.open(target, { person: 'otherOperator' })
  await Promise.all([session.exec('echo 1'), other.exec('echo 2')])
  const shell = await session.shell()
  const of = async (query: object) =>
    (await recordingsOf(fixture, 'admin').list(query)).items.map(({ id }) => id)
  const all = await of({})
  expect(all).toHaveLength(3)
  expect(await of({ sessionId: session.id })).toHaveLength(2)
  expect(await of({ kind: 'terminal' })).toHaveLength(1)
  expect(await of({ userId: fixture.actors.otherOperator.userId })).toHaveLength(1)
  expect(await of({ status: 'closed' })).toEqual([])
  await shell.close()
  expect(await of({ status: 'closed', kind: 'terminal', sessionId: session.id })).toHaveLength(1)
  const api = recordingsOf(fixture, 'admin')
  const { items, nextCursor } = await api.list({ limit: 2 })
  const rest = await api.list({ limit: 2, cursor: nextCursor ?? '' })
  expect([...items, ...rest.items].map(({ id }) => id)).toEqual(all)
})

describe('the master key', () => {
  const newKey = () => randomBytes(32).toString('base64')

  test('J10: recordings can be read after a rotation, also those that began before it', async () => {
    await using target = await startHostileSshServer()
    const [old, next] = [newKey(), newKey()]
    await using fixture = await startKrown({
      config: { vault: { masterKey: old, previousMasterKeys: [next] } },
    })
    const session = await fixture.open(target)
    const before = await session.exec('echo before')
    await using machine = await openKrownAdmin(
      parseConfig(configFor(fixture.place, { vault: { masterKey: next, previousMasterKeys: [old] } })),
    )
    expect(await machine.rotateMasterKey()).toBe(1)
    const other = await fixture.open(target)
    const after = await other.exec('echo after')
    const rows = await fixture.db.selectFrom('recordings').select('key_id').execute()
    expect(new Set(rows.map(({ key_id }) => key_id)).size).toBe(1)
    expect((await machine.masterKeys()).find(({ active }) => active)).toMatchObject({ secrets: 2 })
    for (const { recordingId, stdout } of [before, after])
      expect(printedIn(await readRecording(fixture, recordingId))).toBe(stdout)
  })

  test('recordings under a key that was lost are given up, and their rows stay', async () => {
    const [lost, next] = [newKey(), newKey()]
    await using fixture = await startKrown({ config: { vault: { masterKey: lost } } })
    const { id } = await recordOne(fixture, 'x')
    await fixture.krown.close()
    await using machine = await openKrownAdmin(
      parseConfig(configFor(fixture.place, { vault: { masterKey: next } })),
    )
    const [{ id: keyId } = { id: '' }] = (await machine.masterKeys()).filter(({ given }) => !given)
    expect(await machine.forgetMasterKey(keyId)).toBe(1)
    const [row] = await fixture.db.selectFrom('recordings').selectAll().execute()
    expect(row).toMatchObject({ id, status: 'deleted', sealed_key: null })
    expect(await exists(fileOf(fixture, id))).toBe(false)
  })
})
