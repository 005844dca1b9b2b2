import type { CompiledQuery } from 'kysely'
import type { Statement } from '../db/batch.js'
import type { Db } from '../db/database.js'
import { prepareStatement } from '../db/prepare-statement.js'
import { advanceHeadQuery, type Head, insertEntriesQuery } from '../db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import type { OrgId } from '../model/ids.js'
import type { UnitQuery } from './unit-query.js'

interface HeadMove {
  readonly orgId: OrgId
  readonly fromSeq: number
  readonly fromHash: string
  readonly toSeq: number
  readonly toHash: string
}

const ENTRY_COLUMNS: Record<keyof JournalEntriesTable, true> = {
  org_id: true,
  seq: true,
  id: true,
  at: true,
  action: true,
  outcome: true,
  actor_user_id: true,
  resource_id: true,
  text: true,
  details: true,
  salt: true,
  prev_hash: true,
  hash: true,
}

const MOVE_FIELDS: Record<keyof HeadMove, true> = {
  orgId: true,
  fromSeq: true,
  fromHash: true,
  toSeq: true,
  toHash: true,
}

/** The statements of every append, compiled once: kysely takes longer to compile them than SQLite to run them. */
export class AppendStatements {
  readonly #insert: (row: JournalEntriesTable) => CompiledQuery
  readonly #advance: (move: HeadMove) => CompiledQuery

  constructor(db: Db) {
    this.#insert = prepareStatement(ENTRY_COLUMNS, (row) => insertEntriesQuery(db, row.org_id, [row]))
    this.#advance = prepareStatement(MOVE_FIELDS, ({ orgId, fromSeq, fromHash, toSeq, toHash }) =>
      advanceHeadQuery(db, orgId, {
        from: { seq: fromSeq, hash: fromHash },
        to: { seq: toSeq, hash: toHash },
      }),
    )
  }

  /** Nothing without rows. The head goes first: whoever moved it meanwhile has taken the numbers, too. */
  append(head: Head, rows: readonly JournalEntriesTable[]): Statement[] {
    const newest = rows.at(-1)
    if (!newest) return []
    const move: HeadMove = {
      orgId: newest.org_id,
      fromSeq: head.seq,
      fromHash: head.hash,
      toSeq: newest.seq,
      toHash: newest.hash,
    }
    const advance = toStatement({ ...this.#advance(move), mustTouch: 1 })
    return [advance, ...rows.map((row) => toStatement(this.#insert(row)))]
  }
}

/** Not the whole query: it holds the tree it was compiled from. */
export function toStatement({ sql, parameters, mustTouch }: UnitQuery): Statement {
  return mustTouch === undefined ? { sql, parameters } : { sql, parameters, mustTouch }
}
