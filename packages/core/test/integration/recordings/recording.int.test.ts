import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { createKrown } from '../../../src/create-krown.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { configFor, krownStarter, refusalOf, startKrown } from '../../support/krown-fixture.js'
import { allFiles, fileOf, printedIn, readRecording } from './recordings-fixture.js'

describeOnBothDatabases('what commands print', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('is in one recording of their session, and each command says where', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const texts = ['first', 'second', 'third']
    const commands = await Promise.all(texts.map((text) => session.exec(`echo ${text} of them`)))
    const last = await session.exec('echo last')
    const { recordingId } = last
    expect(commands.map((command) => command.recordingId)).toEqual([recordingId, recordingId, recordingId])
    expect(last.recordingOffsetMs).toBeGreaterThanOrEqual(commands[0]?.recordingOffsetMs ?? Number.NaN)
    expect((await fixture.operator.commands.list({ limit: 1 })).items).toMatchObject([
      { recordingId, recordingOffsetMs: last.recordingOffsetMs },
    ])
    const live = await readRecording(fixture, recordingId)
    expect(live.ending).toMatchObject({ complete: false, problem: null })
    await session.close()
    const read = await readRecording(fixture, recordingId)
    for (const [i, { id }] of commands.entries()) expect(printedIn(read, id)).toBe(`${texts[i]} of them\n`)
    const { items } = await fixture.krown.as(fixture.actors.operator).recordings.list()
    expect(items).toMatchObject([
      { id: recordingId, kind: 'session', sessionId: session.id, status: 'closed', commandId: null },
    ])
    expect(items[0]).toMatchObject({ sha256: read.ending?.sha256, plainBytes: read.ending?.bytes })
    const [entry] = await fixture.entries({ action: 'recording.closed' })
    expect(entry).toMatchObject({
      outcome: 'success',
      resourceId: recordingId,
      facts: { sha256: read.ending?.sha256, plainBytes: read.ending?.bytes, status: 'closed' },
    })
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
  })
})

describe('a recording', () => {
  test('is encrypted, for its owner alone, and as large as its row says', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await startKrown()
    const session = await fixture.open(target)
    const { recordingId } = await session.exec('echo a very secret text')
    await session.close()
    const file = fileOf(fixture, recordingId)
    const content = await readFile(file)
    expect(content.includes('secret text')).toBe(false)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(file))).mode & 0o777).toBe(0o700)
    expect((await fixture.krown.as(fixture.actors.operator).recordings.list()).items).toMatchObject([
      { fileBytes: content.length },
    ])
    const [row] = await fixture.db.selectFrom('recordings').selectAll().execute()
    expect(row?.sealed_key).toMatch(/^kv1\./)
  })

  test('G17: of a terminal has its output and sizes, and what was typed only where it is configured', async () => {
    await using sshd = await startSshd()
    for (const recordInput of [false, true]) {
      await using fixture = await startKrown({ config: { recordings: { recordInput } } })
      const session = await fixture.open(sshd)
      const shell = await session.shell({ columns: 100, rows: 30 })
      const shown: Buffer[] = []
      const reading = (async () => {
        for await (const bytes of shell) shown.push(Buffer.from(bytes))
      })()
      await shell.write('stty -echo; echo re""ady\n')
      await waitFor(() => Buffer.concat(shown).includes('ready'), { what: 'the shell' })
      await shell.resize({ columns: 90, rows: 20 })
      await shell.write('read secret\n')
      await shell.write('hunter2\n')
      await shell.write('exit 4\n')
      await reading
      const { items } = await fixture.krown.as(fixture.actors.operator).recordings.list({ kind: 'terminal' })
      expect(items).toMatchObject([{ commandId: shell.id, status: 'closed' }])
      const read = await readRecording(fixture, items[0]?.id ?? null)
      expect(printedIn(read)).toBe(Buffer.concat(shown).toString())
      const of = (kind: string) =>
        read.records.filter((record) => record.kind === kind).map(({ data }) => data)
      expect(Buffer.concat(of('input')).includes('hunter2')).toBe(recordInput)
      expect(of('resize').map(String)).toEqual(['{"columns":90,"rows":20}'])
      expect(JSON.parse(String(of('channel_start')[0]))).toMatchObject({
        commandId: shell.id,
        kind: 'shell',
        terminal: { term: 'xterm-256color', columns: 100, rows: 30 },
      })
      expect(JSON.parse(String(of('channel_end')[0]))).toMatchObject({ exitCode: 4 })
      expect((await allFiles(fixture, fixture.actors.admin.orgId)).includes('hunter2')).toBe(false)
    }
  })

  test('has the bytes as they were, whatever they are and however they were cut', async () => {
    await using sshd = await startSshd()
    await using fixture = await startKrown()
    const session = await fixture.open(sshd)
    const printf = ['\\303', '\\251', '\\377\\376', 'x'].map((part) => `printf '${part}'; sleep 0.05`)
    const { recordingId } = await session.exec(printf.join(';'))
    const { records } = await readRecording(fixture, recordingId)
    const bytes = Buffer.concat(records.flatMap(({ kind, data }) => (kind === 'stdout' ? [data] : [])))
    expect(bytes).toEqual(Buffer.from([0xc3, 0xa9, 0xff, 0xfe, 0x78]))
    const times = records.map(({ timeUs }) => timeUs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe('without a master key', () => {
  const vault = { masterKey: '' }

  test('an embedding program records nothing, unless it asks for it and is told what that needs', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await startKrown({ config: { vault } })
    const session = await fixture.open(target)
    expect(await session.exec('echo x')).toMatchObject({ recordingId: null, recordingOffsetMs: null })
    expect((await fixture.krown.as(fixture.actors.operator).recordings.list()).items).toEqual([])
    const asked = createKrown(configFor(fixture.place, { vault, recordings: { mode: 'strict' } }))
    expect(await refusalOf(asked)).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'vault.master_key' }] },
    })
  })
})
