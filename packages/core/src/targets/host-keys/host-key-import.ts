import type { Gate } from '../../auth/gate/gate.js'
import { Turn } from '../../base/turn.js'
import type { Db, Trx } from '../../db/database.js'
import { insertPins, markHostKeys } from '../../db/repositories/host-key.repository.js'
import { raiseInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import { validationError } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import {
  type HostKeyImport as Answer,
  HOST_KEY_MARKS,
  IMPORTED_LINE_OUTCOMES,
  type ImportedHostKeyLine,
  type ImportHostKeysInput,
  MAX_IMPORTED_LINES,
} from '../../model/host-key.js'
import type { OrgId } from '../../model/ids.js'
import type { OrgTargets } from '../index/org-targets.js'
import { keysImported } from './host-key-entries.js'
import { requireRoomFor } from './import-quotas.js'
import { type KnownHostsLine, readKnownHosts, type SkippedLine } from './known-hosts-file.js'
import {
  KnownMarks,
  outcomeOf,
  type PinChange,
  type PlannedLine,
  planLine,
} from './known-hosts-import-plan.js'
import { KnownPlaces } from './known-places.js'
import type { NewPin, PinWriter } from './pin-writer.js'
import { requireOrganization } from './require-organization.js'

export interface HostKeyImportDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly pins: PinWriter
  readonly inventory: { of(orgId: OrgId): Promise<OrgTargets> }
}

/** Hosts that the lines of one file name at most, each on all ways to it. */
const MAX_IMPORTED_HOSTS = 10_000
/** Keys of one transaction, and of one entry of the journal. */
const PINS_AT_ONCE = 500
const MAX_SHOWN_HOST = 256

type ChangedLine = PlannedLine & { readonly changes: readonly PinChange['kind'][] }

/** Takes over known_hosts files. */
export class HostKeyImport {
  readonly #deps: HostKeyImportDeps

  constructor(deps: HostKeyImportDeps) {
    this.#deps = deps
  }

  /** See `HostKeysApi.import`. */
  async import(actor: Actor, input: ImportHostKeysInput): Promise<Answer> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:manage' }, async (caller) => {
      requireOrganization(caller)
      const { text, reason = null, dryRun = false } = input
      const lines = await this.#plan(actor.orgId, { text, reason })
      const isNew = pinsOf(lines, isChange)
      // Marking what is there needs no room.
      await requireRoomFor(this.#deps.db, actor.orgId, { added: pinsOf(lines, (kind) => kind === 'add') })
      if (!dryRun) await this.#apply(actor, isNew, reason)
      return { dryRun, ...describe(lines) }
    })
  }

  async #plan(
    orgId: OrgId,
    { text, reason }: { text: string; reason: string | null },
  ): Promise<ChangedLine[]> {
    const { db, inventory } = this.#deps
    const places = new KnownPlaces((await inventory.of(orgId)).newestFirst)
    const lines = await planLines(text, { places, reason })
    const all = lines.flatMap(({ pins }) => pins)
    const marks = new KnownMarks(all)
    for (const pins of parts(all)) await marks.read(db, orgId, pins)
    return lines.map((line) => ({ ...line, changes: line.pins.map((pin) => marks.change(pin).kind) }))
  }

  async #apply(actor: Actor, pins: readonly NewPin[], reason: string | null): Promise<void> {
    for (const part of parts(pins)) {
      await this.#deps.journal.transact(
        actor.orgId,
        (trx) => this.#write(trx, actor, { part, all: pins, reason }),
        (written) => (written.length > 0 ? [keysImported(actor, written, reason)] : []),
      )
    }
  }

  /** What of it was news. Decided anew: since it was planned somebody else may have pinned or revoked some of it. */
  async #write(
    trx: Trx,
    actor: Actor,
    { part, all, reason }: { part: readonly NewPin[]; all: readonly NewPin[]; reason: string | null },
  ): Promise<NewPin[]> {
    const { orgId } = actor
    const marks = new KnownMarks(part, all)
    await marks.read(trx, orgId, part)
    const changes = part.map((pin) => ({ pin, change: marks.change(pin) }))
    const added = changes.filter(({ change }) => change.kind === 'add').map(({ pin }) => pin)
    await requireRoomFor(trx, orgId, { added })
    await insertPins(
      trx,
      orgId,
      added.map((pin) => this.#deps.pins.rowOf(actor, pin)),
    )
    for (const mark of HOST_KEY_MARKS) {
      const ids = changes.flatMap(({ pin, change }) =>
        change.kind === 'mark' && pin.mark === mark ? change.id : [],
      )
      await markHostKeys(trx, orgId, {
        ids,
        set: { mark, reason, source: 'import', pinned_by: actor.userId },
      })
    }
    const written = changes.filter(({ change }) => isChange(change.kind)).map(({ pin }) => pin)
    if (written.some(({ kind }) => kind === 'pattern')) await raiseInventoryRevision(trx, orgId)
    return written
  }
}

/** Line by line, so that nobody waits for a long file, and no further than one may be. */
async function planLines(
  text: string,
  { places, reason }: { places: KnownPlaces; reason: string | null },
): Promise<PlannedLine[]> {
  const lines: PlannedLine[] = []
  const turn = new Turn()
  let hosts = 0
  for (const source of readKnownHosts(text)) {
    if (lines.length === MAX_IMPORTED_LINES) throw tooLong(`must have at most ${MAX_IMPORTED_LINES} lines`)
    const names = countNames(source.hosts)
    // Before they are looked up: what could not be dialled takes as long.
    if (hosts + names > MAX_IMPORTED_HOSTS) throw tooManyHosts()
    const line = await planLine(source, { places, reason })
    hosts += Math.max(names, line.pins.length)
    if (hosts > MAX_IMPORTED_HOSTS) throw tooManyHosts()
    lines.push(line)
    await turn.end()
  }
  return lines
}

function countNames(hosts: string): number {
  return hosts.split(',').length
}

function tooManyHosts() {
  return tooLong(`must name at most ${MAX_IMPORTED_HOSTS} hosts, each of them counted on all ways to it`)
}

function tooLong(message: string) {
  return validationError([{ path: 'text', message }])
}

function pinsOf(lines: readonly ChangedLine[], isWanted: (kind: PinChange['kind'] | undefined) => boolean) {
  return lines.flatMap(({ pins, changes }) => pins.filter((_, place) => isWanted(changes[place])))
}

function isChange(kind: PinChange['kind'] | undefined): boolean {
  return kind === 'add' || kind === 'mark'
}

function describe(planned: readonly ChangedLine[]): Omit<Answer, 'dryRun'> {
  const counts = Object.fromEntries(IMPORTED_LINE_OUTCOMES.map((outcome) => [outcome, 0])) as Answer['counts']
  const lines = planned.map((line) => {
    const { outcome, reason } = outcomeOf(line, line.changes)
    counts[outcome] += 1
    return describeLine(line.source, { outcome, reason })
  })
  return { counts, lines }
}

function describeLine(
  source: KnownHostsLine | SkippedLine,
  result: Pick<ImportedHostKeyLine, 'outcome' | 'reason'>,
): ImportedHostKeyLine {
  const key = 'fingerprint' in source ? source : null
  return {
    line: source.line,
    outcome: result.outcome,
    host: source.hosts.slice(0, MAX_SHOWN_HOST),
    algorithm: key?.algorithm ?? null,
    fingerprint: key?.fingerprint ?? null,
    reason: result.reason,
  }
}

function* parts(pins: readonly NewPin[]): Generator<readonly NewPin[]> {
  for (let from = 0; from < pins.length; from += PINS_AT_ONCE) yield pins.slice(from, from + PINS_AT_ONCE)
}
