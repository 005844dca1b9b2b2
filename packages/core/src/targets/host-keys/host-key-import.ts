import type { Gate } from '../../auth/gate/gate.js'
import { parseInput } from '../../base/parse-input.js'
import type { Db, Trx } from '../../db/database.js'
import { countPatterns, insertPins, markHostKeys } from '../../db/repositories/host-key.repository.js'
import { raiseInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import { KrownError, validationError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import {
  type HostKeyImport as Answer,
  IMPORTED_LINE_OUTCOMES,
  type ImportedHostKeyLine,
  type ImportHostKeysInput,
  importHostKeysInputSchema,
  MAX_IMPORTED_LINES,
} from '../../model/host-key.js'
import type { OrgId } from '../../model/ids.js'
import type { OrgTargets } from '../index/org-targets.js'
import { authorityKept, keyPinned, keyRevoked } from './host-key-entries.js'
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

/** Patterns of one organization at most: each is tried on a host that nobody knows by name. */
const MAX_PATTERNS = 5_000
/** Keys of one transaction. */
const PINS_AT_ONCE = 250
const MAX_SHOWN_HOST = 256

type ChangedLine = PlannedLine & { readonly changes: readonly PinChange['kind'][] }

/** Takes over known_hosts files. */
export class HostKeyImport {
  readonly #deps: HostKeyImportDeps

  constructor(deps: HostKeyImportDeps) {
    this.#deps = deps
  }

  /** See `HostKeysApi.import`. */
  async import(actor: Actor, given: ImportHostKeysInput): Promise<Answer> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:manage' }, async (caller) => {
      requireOrganization(caller)
      const { text, reason = null, dryRun = false } = parseInput(importHostKeysInputSchema, given)
      const lines = await this.#plan(actor.orgId, { read: requireFew(readKnownHosts(text)), reason })
      const isNew = lines.flatMap(({ pins, changes }) => pins.filter((_, place) => isChange(changes[place])))
      await this.#requireRoom(this.#deps.db, actor.orgId, isNew)
      if (!dryRun) await this.#apply(actor, isNew)
      return { dryRun, ...describe(lines) }
    })
  }

  async #plan(
    orgId: OrgId,
    { read, reason }: { read: readonly (KnownHostsLine | SkippedLine)[]; reason: string | null },
  ): Promise<ChangedLine[]> {
    const { db, inventory } = this.#deps
    const places = new KnownPlaces((await inventory.of(orgId)).newestFirst)
    const lines: PlannedLine[] = []
    for (const source of read) lines.push(await planLine(source, { places, reason }))
    const all = lines.flatMap(({ pins }) => pins)
    const marks = new KnownMarks(all)
    for (const pins of parts(all)) await marks.read(db, orgId, pins)
    return lines.map((line) => ({ ...line, changes: line.pins.map((pin) => marks.change(pin).kind) }))
  }

  async #apply(actor: Actor, pins: readonly NewPin[]): Promise<void> {
    for (const part of parts(pins)) {
      await this.#deps.journal.transact(
        actor.orgId,
        (trx) => this.#write(trx, actor, part),
        (entries) => entries,
      )
    }
  }

  // Decided anew: since it was planned somebody else may have pinned or revoked some of it.
  async #write(trx: Trx, actor: Actor, part: readonly NewPin[]): Promise<JournalDraft[]> {
    const { orgId } = actor
    const marks = new KnownMarks(part)
    await marks.read(trx, orgId, part)
    const changes = part.map((pin) => ({ pin, change: marks.change(pin) }))
    const added = changes.filter(({ change }) => change.kind === 'add').map(({ pin }) => pin)
    await this.#requireRoom(trx, orgId, added)
    await insertPins(
      trx,
      orgId,
      added.map((pin) => this.#deps.pins.rowOf(actor, pin)),
    )
    for (const { pin, change } of changes) {
      if (change.kind !== 'mark') continue
      const { mark, reason, source } = pin
      await markHostKeys(trx, orgId, {
        ids: [change.id],
        set: { mark, reason, source, pinned_by: actor.userId },
      })
    }
    if (changes.some(({ pin, change }) => pin.kind === 'pattern' && isChange(change.kind)))
      await raiseInventoryRevision(trx, orgId)
    return changes.filter(({ change }) => isChange(change.kind)).map(({ pin }) => entryOf(actor, pin))
  }

  async #requireRoom(db: Db, orgId: OrgId, added: readonly NewPin[]): Promise<void> {
    const wanted = added.filter(({ kind }) => kind === 'pattern').length
    if (wanted === 0 || (await countPatterns(db, orgId)) + wanted <= MAX_PATTERNS) return
    throw new KrownError(
      'QUOTA_EXCEEDED',
      `an organization keeps at most ${MAX_PATTERNS} patterns and hashed names; import the targets first`,
      { details: { limit: MAX_PATTERNS } },
    )
  }
}

function requireFew<Line>(lines: readonly Line[]): readonly Line[] {
  if (lines.length <= MAX_IMPORTED_LINES) return lines
  throw validationError([{ path: 'text', message: `must have at most ${MAX_IMPORTED_LINES} lines` }])
}

function isChange(kind: PinChange['kind'] | undefined): boolean {
  return kind === 'add' || kind === 'mark'
}

function entryOf(actor: Actor, pin: NewPin): JournalDraft {
  if (pin.mark === 'revoked') return keyRevoked(actor, pin)
  return pin.mark === 'cert_authority' ? authorityKept(actor, pin) : keyPinned(actor, pin)
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
