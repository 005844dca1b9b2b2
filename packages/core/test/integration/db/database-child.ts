// Run as a process of its own by `database-process.ts`: does what its one argument says and tells how it went.
import { systemClock } from '../../../src/base/clock.js'
import { newId } from '../../../src/base/ids.js'
import { openSqlite } from '../../../src/db/open-sqlite.js'
import { isKrownError } from '../../../src/errors/krown-error.js'
import { Journal } from '../../../src/journal/journal.js'
import type { UserId } from '../../../src/model/ids.js'
import { openPlace } from '../../support/databases.js'
import type { ChildOrder, ChildReport } from './database-process.js'

const order = JSON.parse(process.argv[2] ?? '') as ChildOrder
const report = (said: ChildReport) => new Promise<void>((sent) => process.send?.(said, () => sent()))
const told = () => new Promise<void>((resolve) => process.once('message', () => resolve()))

async function migrate({ place }: Extract<ChildOrder, { act: 'migrate' }>): Promise<void> {
  await using database = await openPlace(place)
  // All of them at once.
  await report({ kind: 'ready' })
  await told()
  await database.migrate('auto')
}

async function serve({ file }: Extract<ChildOrder, { act: 'serve' }>): Promise<void> {
  await using database = await openSqlite({ file, exclusive: true })
  await database.ping()
  await report({ kind: 'ready' })
  await told()
}

async function holdWriteLock({ place }: Extract<ChildOrder, { act: 'hold-write-lock' }>): Promise<void> {
  await using database = await openPlace(place)
  await database.db.transaction().execute(async () => {
    await report({ kind: 'ready' })
    await told()
  })
}

async function append({
  place,
  orgId,
  entries,
  inFlight,
}: Extract<ChildOrder, { act: 'append' }>): Promise<void> {
  await using database = await openPlace(place)
  const journal = new Journal({ database, clock: systemClock, newId })
  await database.ping()
  await report({ kind: 'ready' })
  await told()
  let left = entries
  const appendOneByOne = async () => {
    while (left-- > 0) {
      const actor = {
        kind: 'system',
        userId: newId<UserId>(),
        username: `process ${process.pid}`,
        clientIp: null,
      } as const
      await journal.append(orgId, [{ action: 'test.appended', outcome: 'success', actor }])
    }
  }
  await Promise.all(Array.from({ length: inFlight }, appendOneByOne))
}

async function obey(): Promise<void> {
  if (order.act === 'migrate') return migrate(order)
  if (order.act === 'serve') return serve(order)
  if (order.act === 'append') return append(order)
  return holdWriteLock(order)
}

await obey().then(
  () => report({ kind: 'done' }),
  (error: unknown) =>
    report({
      kind: 'failed',
      code: isKrownError(error) ? error.code : 'NO_KROWN_ERROR',
      message: error instanceof Error ? `${error.message} ${error.stack}` : String(error),
    }),
)
process.disconnect()
