import { systemClock } from '../../../src/base/clock.js'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { listEntriesForward } from '../../../src/db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../../../src/db/tables/journal.table.js'
import { Journal } from '../../../src/journal/journal.js'
import type { JournalParts } from '../../../src/journal/unit.js'
import { verifyChain } from '../../../src/journal/verify-chain.js'
import type { OrgId } from '../../../src/model/ids.js'

export function journalOver(database: Database, parts: Partial<JournalParts> = {}): Journal {
  return new Journal({ database, clock: systemClock, newId, ...parts })
}

/** Everything in an organization's chain, oldest first. */
export function entriesOf({ db }: Pick<Database, 'db'>, orgId: OrgId): Promise<JournalEntriesTable[]> {
  return listEntriesForward(db, orgId, { afterSeq: 0, limit: 100_000 })
}

export async function actionsOf(database: Database, orgId: OrgId): Promise<string[]> {
  return (await entriesOf(database, orgId)).map(({ action }) => action)
}

/** The facts of each entry of the chain. */
export async function factsOf(database: Database, orgId: OrgId): Promise<Record<string, unknown>[]> {
  return (await entriesOf(database, orgId)).map(({ text }) => JSON.parse(text).facts)
}

/** Throws unless the chain is whole and has so many entries. */
export async function requireWhole({ db }: Database, orgId: OrgId, entries: number): Promise<void> {
  const found = await verifyChain(db, orgId)
  if (!found.ok || found.entries !== entries || found.headSeq !== entries) {
    throw new Error(`expected ${entries} entries in a whole chain, found ${JSON.stringify(found)}`)
  }
}

export interface CommitCount {
  readonly database: Database
  commits: number
}

/** The same database, counting the transactions that are begun through it. */
export function countCommits(database: Database): CommitCount {
  const { batch } = database
  const db = new Proxy(database.db, {
    get(target, name) {
      if (name === 'startTransaction') counted.commits += 1
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const counting =
    batch &&
    ((units: Parameters<typeof batch>[0]) => {
      counted.commits += 1
      return batch(units)
    })
  const counted = { commits: 0, database: { ...database, db, batch: counting } }
  return counted
}
