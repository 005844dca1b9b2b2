import { createHash, randomInt } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import { type HostileSshServer, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, onTestFailed, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.js'
import type { JournalEntry } from '../../../src/model/journal.js'
import type { RecordingRecord } from '../../../src/recordings/format/record.js'
import { type DatabasePlace, describeOnBothDatabases } from '../../support/databases.js'
import { configFor, type KrownFixture, loginTo, startKrown } from '../../support/krown-fixture.js'
import { readRecording } from '../recordings/recordings-fixture.js'
import { type Answered, GatewayProcess } from './gateway-process.js'

const KILLS = { sqlite: 50, postgres: 10 } as const
const LOAD = { sessions: 2, inFlight: 6 } as const
/** On PostgreSQL a process counts as dead when it was silent for 20 s; the clocks of its successors are ahead. */
const RESTART_AFTER_MS = 60_000

/** When to kill: once the target was sent so many commands, and some time after that. */
interface Moment {
  readonly execs: number
  readonly thenMs: number
}

/** Most while commands run, some while the process still starts, cleans up and connects. */
function randomMoment(random: () => number): Moment {
  if (random() < 0.2) return { execs: 0, thenMs: 250 * random() }
  return { execs: 1 + Math.floor(40 * random()), thenMs: random() < 0.5 ? 0 : 20 * random() }
}

/** The same numbers for the same seed, from 0 to 1. */
function seededRandom(seed: number): () => number {
  let calls = 0
  return () => {
    calls += 1
    return createHash('sha256').update(`${seed} ${calls}`).digest().readUInt32BE() / 2 ** 32
  }
}

/** A target that knows by itself what it was sent, and tells when. */
async function startWitness() {
  const arrivals = new EventEmitter()
  const target = await startHostileSshServer({
    onExec: (_command, _channel, { runDefault }) => {
      arrivals.emit('exec')
      runDefault()
    },
  })
  const sent = async (count: number) => {
    while (target.execs.length < count) await once(arrivals, 'exec')
  }
  return { target, sent, [Symbol.asyncDispose]: () => target.stop() }
}

type Witness = Awaited<ReturnType<typeof startWitness>>

interface Told {
  readonly answered: Answered[]
  /** Bytes of each command that a reader had. */
  readonly shown: Map<string, number>
}

const showsSomething = (gateway: GatewayProcess) =>
  waitFor(() => gateway.shown.size > 0, { what: 'output that somebody was shown', timeoutMs: 30_000 })

/** Kills one process after the other. @returns What they were told. */
async function killAll(
  place: DatabasePlace,
  { target, sent }: Witness,
  moments: readonly Moment[],
): Promise<Told> {
  const told: Told = { answered: [], shown: new Map() }
  const load = (i: number) =>
    new GatewayProcess({
      act: 'stay-busy',
      name: `process-${i}`,
      config: configFor(place),
      login: loginTo(target),
      clockAheadMs: i * RESTART_AFTER_MS,
      ...LOAD,
    })
  let next = load(0)
  try {
    for (const [i, { execs, thenMs }] of moments.entries()) {
      await using gateway = next
      // Loading its code takes longer than the life of most, so the next one does it meanwhile.
      next = load(i + 1)
      await gateway.begin()
      // Every other one lives until somebody was shown something, however slow the machine is.
      const begun = i % 2 === 0 ? undefined : showsSomething(gateway)
      const moment = Promise.all([begun, sent(target.execs.length + execs)])
      // The one place where time has to pass: the moment is to be any, and not one that the process reports.
      await gateway.killAt(moment.then(() => passed(thenMs)))
      told.answered.push(...gateway.answered)
      for (const [id, bytes] of gateway.shown) told.shown.set(id, bytes)
    }
  } finally {
    await next[Symbol.asyncDispose]()
  }
  return told
}

/** One more process starts over what the others left. */
async function startAfter(place: DatabasePlace, kills: number): Promise<KrownFixture> {
  const now = () => systemClock.now() + kills * RESTART_AFTER_MS
  const fixture = await startKrown({ place, clock: { ...systemClock, now } })
  // PostgreSQL may commit what a process sent just before it died after the first sweep: then the next one is due.
  await waitFor(() => nothingIsOpen(fixture), { what: 'the sweep', timeoutMs: 30_000 })
  return fixture
}

async function nothingIsOpen({ db }: KrownFixture): Promise<boolean> {
  const session = await db
    .selectFrom('sessions')
    .select('id')
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  const running = db.selectFrom('command_logs').select('id').where('status', '=', 'running')
  return session === undefined && (await running.executeTakeFirst()) === undefined
}

/** The journal by resource, each with its entries in their order. */
async function entriesByResource(fixture: KrownFixture): Promise<Map<string, JournalEntry[]>> {
  const byResource = new Map<string, JournalEntry[]>()
  for (const entry of await fixture.entries()) {
    const id = entry.resourceId ?? ''
    byResource.set(id, [...(byResource.get(id) ?? []), entry])
  }
  return byResource
}

const actionsOf = (entries: readonly JournalEntry[] = []) => entries.map(({ action }) => action)

/** Every command has its row, its intent and after that its result, as the row has it. */
async function expectWholeCommands(fixture: KrownFixture, target: HostileSshServer): Promise<void> {
  const rows = await fixture.db.selectFrom('command_logs').selectAll().execute()
  const journal = await entriesByResource(fixture)
  for (const row of rows) {
    const entries = journal.get(row.id) ?? []
    expect(actionsOf(entries), row.command).toEqual(['command.started', 'command.finished'])
    expect(entries[0]).toMatchObject({ details: { command: row.command } })
    expect(entries[1]).toMatchObject({ facts: { status: row.status, errorCode: row.error_code } })
  }
  const texts = rows.map(({ command }) => command)
  const ofWorkers = texts.filter((text) => !text.startsWith('flood'))
  expect(new Set(ofWorkers).size).toBe(ofWorkers.length)
  expect(target.execs.map(({ command }) => command).filter((command) => !texts.includes(command))).toEqual([])
  const logged = new Set<string>(rows.map(({ id }) => id))
  const ofCommands = [...journal.values()].flat().filter(({ action }) => action.startsWith('command.'))
  expect(ofCommands.filter(({ resourceId }) => !logged.has(resourceId ?? ''))).toEqual([])
}

/** Every session has its end, and only one. */
async function expectEndedSessions(fixture: KrownFixture): Promise<void> {
  const rows = await fixture.db.selectFrom('sessions').selectAll().execute()
  const journal = await entriesByResource(fixture)
  for (const row of rows) {
    const opened = row.connected_at === null ? [] : ['session.opened']
    expect(actionsOf(journal.get(row.id))).toEqual(['session.opening', ...opened, 'session.closed'])
    expect(row).toMatchObject({
      status: row.connected_at === null ? 'error' : 'disconnected',
      status_reason: 'server_restart',
    })
  }
}

/** Every recording ends where its process did, and has at least what anybody was shown. */
async function expectRecorded(fixture: KrownFixture, shown: ReadonlyMap<string, number>): Promise<void> {
  const rows = await fixture.db.selectFrom('recordings').selectAll().execute()
  const journal = await entriesByResource(fixture)
  const recorded = new Map<string, number>()
  for (const { id, status } of rows) {
    expect(status).toBe('incomplete')
    expect(actionsOf(journal.get(id))).toEqual(['recording.closed'])
    const read = await readRecording(fixture, id).catch(orNothing)
    // Killed while a frame was being written; nothing that was written is not as it was.
    expect([undefined, 'truncated']).toContain(read?.ending?.problem?.reason)
    expect(read?.ending?.complete).not.toBe(true)
    for (const [command, bytes] of printedBytes(read?.records ?? [])) recorded.set(command, bytes)
  }
  const missing = [...shown].filter(([id, bytes]) => (recorded.get(id) ?? 0) < bytes)
  expect(missing).toEqual([])
}

// It was killed before the file was made, or its header written.
function orNothing(error: Error): undefined {
  if (!/has no file|has no header/.test(error.message)) throw error
}

/** How much each command printed, by its id. */
function printedBytes(records: readonly RecordingRecord[]): Map<string, number> {
  const commandOf = new Map<number, string>()
  const bytes = new Map<string, number>()
  for (const { kind, channel, data } of records) {
    if (kind === 'channel_start') commandOf.set(channel, JSON.parse(data.toString()).commandId)
    const id = commandOf.get(channel) ?? ''
    if (kind === 'stdout') bytes.set(id, (bytes.get(id) ?? 0) + data.length)
  }
  return bytes
}

/** What a caller was told stays true. */
async function expectKept(fixture: KrownFixture, answered: readonly Answered[]): Promise<void> {
  const rows = await fixture.db.selectFrom('command_logs').select(['id', 'status', 'exit_code']).execute()
  const kept = new Map<string, (typeof rows)[number]>(rows.map((row) => [row.id, row]))
  for (const { id } of answered) expect(kept.get(id), id).toMatchObject({ status: 'completed', exit_code: 0 })
}

describeOnBothDatabases('kill -9', (openTestDatabase, kind) => {
  test('H10: a gateway that is killed at any moment leaves nothing half-done behind', async () => {
    const seed = Number(process.env.KROWN_TEST_SEED ?? randomInt(2 ** 31))
    onTestFailed(() => console.error(`the moments were those of KROWN_TEST_SEED=${seed}`))
    const random = seededRandom(seed)
    const moments = Array.from({ length: KILLS[kind] }, () => randomMoment(random))
    await using opened = await openTestDatabase()
    await using witness = await startWitness()
    const { answered, shown } = await killAll(opened.place, witness, moments)
    await using fixture = await startAfter(opened.place, moments.length)
    await expectWholeCommands(fixture, witness.target)
    await expectEndedSessions(fixture)
    await expectKept(fixture, answered)
    await expectRecorded(fixture, shown)
    expect(shown.size).toBeGreaterThan(0)
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
    const interrupted = await fixture.admin.commands.list({ status: 'interrupted' })
    expect(interrupted.items).not.toHaveLength(0)
    expect(answered).not.toHaveLength(0)
  }, 600_000)
})
