import type { Clock } from '../base/clock.js'
import type { Deferred } from '../base/deferred.js'
import type { NewId } from '../base/ids.js'
import type { Database, Trx } from '../db/database.js'
import type { Head } from '../db/repositories/journal.repository.js'
import type { OrgId } from '../model/ids.js'
import type { AppendStatements } from './append-statements.js'
import type { JournalDraft } from './entry.js'
import type { UnitQuery } from './unit-query.js'

/** A statement touched more or fewer rows than its unit wants, so nothing of the unit is stored. */
export class ConditionNotMet extends Error {
  override readonly name = 'ConditionNotMet'
}

/** Changes that commit together with their journal entries, or not at all. */
export interface Unit {
  /** Statements known beforehand: on SQLite the whole unit then travels in one message. */
  readonly queries?: readonly UnitQuery[]
  /** Or work that reads before it writes; awaits nothing but database calls through `trx`. */
  readonly work?: (trx: Trx) => Promise<unknown>
  /** Asked after the work, with its result. */
  readonly entries: (result: unknown) => readonly JournalDraft[]
}

export interface QueuedUnit extends Unit {
  readonly done: Deferred<unknown>
}

/** Units of one organization that share a commit. */
export interface Group {
  readonly orgId: OrgId
  readonly units: readonly QueuedUnit[]
}

export interface JournalParts {
  readonly database: Database
  readonly clock: Clock
  readonly newId: NewId
}

export interface JournalDeps extends JournalParts {
  readonly statements: AppendStatements
  /** Heads as last written by this process; checked by the database on each use. */
  readonly heads: Map<OrgId, Head>
  /** What this process has acknowledged: no chain may end before. */
  readonly acknowledged: Map<OrgId, number>
}
