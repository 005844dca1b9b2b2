import { createTempDir, startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { KrownConfigInput } from '../../../src/config/krown-config.js'
import { FolderRecordingStore } from '../../../src/recordings/folder-recording-store.js'
import { refusalOf, startKrown } from '../../support/krown-fixture.js'
import { FaultyStore, printedIn, readRecording } from './recordings-fixture.js'

/** A gateway whose recordings are on a disk that can fail. */
async function startOnFaultyDisk(recordings: KrownConfigInput['recordings'] = {}) {
  const dir = await createTempDir()
  const store = new FaultyStore(dir.path)
  const fixture = await startKrown({
    config: { recordings: { ...recordings, dir: dir.path } },
    parts: { recordingStore: store },
  })
  const close = async () => {
    await fixture[Symbol.asyncDispose]()
    await dir.stop()
  }
  const read = (id: Parameters<typeof readRecording>[1]) =>
    readRecording(fixture, id, new FolderRecordingStore(dir.path))
  return { store, fixture, read, [Symbol.asyncDispose]: close }
}

describe('strict', () => {
  test('H09: below its floor nothing new runs, what is there can be read, and it goes on when there is room', async () => {
    await using target = await startHostileSshServer()
    await using world = await startOnFaultyDisk({ minFree: '500MiB' })
    const { store, fixture } = world
    const session = await fixture.open(target)
    await session.exec('echo before')
    const full = 100 * 1024 * 1024
    store.free = full
    const refused = await waitFor(
      () =>
        session.exec('echo never').then(
          () => undefined,
          (error: unknown) => error,
        ),
      { what: 'the full disk to be noticed' },
    )
    expect(refused).toMatchObject({ code: 'AUDIT_UNAVAILABLE', retryable: true })
    const ran = target.execs.length
    expect(await refusalOf(session.shell())).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
    expect(await refusalOf(session.exec('echo never'))).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
    expect(target.execs).toHaveLength(ran)
    expect((await fixture.operator.commands.list()).items).not.toHaveLength(0)
    store.free = 10 * full
    await waitFor(() => session.exec('echo after').then(Boolean, () => false), { what: 'room to be noticed' })
  })

  test('H09: where no file can be made, the target sees nothing', async () => {
    await using target = await startHostileSshServer()
    await using world = await startOnFaultyDisk()
    const { store, fixture } = world
    const session = await fixture.open(target)
    store.refuses = true
    expect(await refusalOf(session.exec('echo never'))).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
    expect(await refusalOf(session.shell())).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
    expect(target.execs).toEqual([])
    store.refuses = false
    expect(await session.exec('echo again')).toMatchObject({ status: 'completed', stdout: 'again\n' })
    const failed = await fixture.entries({ action: 'recording.failed' })
    expect(failed).toHaveLength(2)
    expect(failed[0]).toMatchObject({ facts: { mode: 'strict', reason: 'disk', code: 'ENOSPC' } })
  })

  test('G11: a disk that is full in the middle ends what runs, shows nothing more, and is journaled', async () => {
    await using sshd = await startSshd()
    await using world = await startOnFaultyDisk()
    const { store, fixture, read } = world
    const session = await fixture.open(sshd)
    const shell = await session.shell()
    let shown = ''
    const events: string[] = []
    const reading = (async () => {
      for await (const event of shell.events()) {
        events.push(event.type)
        if (event.type === 'output') shown += Buffer.from(event.data).toString()
        if (event.type === 'closed') return event.command
      }
    })()
    await shell.write('echo vis""ible\n')
    await waitFor(() => shown.includes('visible'), { what: 'the shell' })
    store.refuses = true
    await shell.write('echo hid""den\n').catch(() => {})
    const ended = await reading
    expect(ended).toMatchObject({ status: 'interrupted', errorCode: 'AUDIT_UNAVAILABLE' })
    expect(shown).not.toContain('hidden')
    store.refuses = false
    expect(await session.exec('echo more')).toMatchObject({ stdout: 'more\n' })
    const recordingId = ended?.recordingId ?? null
    const content = await read(recordingId)
    expect(printedIn(content)).toContain(shown)
    const [row] = (await fixture.krown.as(fixture.actors.operator).recordings.list({ kind: 'terminal' }))
      .items
    expect(row).toMatchObject({ id: recordingId, status: 'incomplete', sha256: null })
    const actions = (await fixture.entries()).filter(({ resourceId }) => resourceId === recordingId)
    expect(actions.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['recording.failed', 'failure'],
      ['recording.closed', 'failure'],
    ])
  })

  test('G11: a command that would make its recording too long is ended there, and the next has a recording of its own', async () => {
    await using target = await startHostileSshServer()
    await using world = await startOnFaultyDisk({ maxSession: '2MiB' })
    const { fixture, read } = world
    const session = await fixture.open(target)
    const flood = await session.exec(`flood-stdout ${20 * 1024 * 1024}`, { maxOutputBytes: 0 })
    expect(flood).toMatchObject({ status: 'interrupted', errorCode: 'AUDIT_UNAVAILABLE' })
    const next = await session.exec('echo next')
    expect(next).toMatchObject({ status: 'completed', recordingOffsetMs: 0 })
    expect(next.recordingId).not.toBe(flood.recordingId)
    const { records, ending } = await read(flood.recordingId)
    expect(ending).toMatchObject({ complete: true })
    expect(
      records
        .filter(({ kind }) => kind === 'marker')
        .at(-1)
        ?.data.toString(),
    ).toMatch(/no more room/)
    const recorded = records.reduce((sum, { kind, data }) => sum + (kind === 'stdout' ? data.length : 0), 0)
    expect(recorded).toBe(flood.stdoutBytes)
    expect(recorded).toBeLessThan(2 * 1024 * 1024)
  })
})

describe('best-effort', () => {
  test('G11: a full disk is journaled and what was not recorded is counted; everything runs', async () => {
    await using target = await startHostileSshServer()
    await using world = await startOnFaultyDisk({ mode: 'best-effort' })
    const { store, fixture } = world
    const session = await fixture.open(target)
    await session.exec('echo recorded')
    store.refuses = true
    expect(await session.exec('echo held')).toMatchObject({ stdout: 'held\n' })
    expect(await session.exec('echo lost')).toMatchObject({ stdout: 'lost\n' })
    store.refuses = false
    await session.close()
    const [recording] = (await fixture.krown.as(fixture.actors.operator).recordings.list()).items
    expect(recording).toMatchObject({ status: 'closed', lostBytes: 5 })
    const [failed] = await fixture.entries({ action: 'recording.failed' })
    expect(failed).toMatchObject({ facts: { mode: 'best-effort', reason: 'disk' } })
    const [closed] = await fixture.entries({ action: 'recording.closed' })
    expect(closed).toMatchObject({ outcome: 'failure', facts: { status: 'closed', lostBytes: 5 } })
  })
})
