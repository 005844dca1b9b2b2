import type { PostgresPoolClient } from 'kysely'
import type { Pool } from 'pg'
import { isKrownError } from '../errors/krown-error.js'
import { type Batch, type BatchResult, type Statement, TOUCHED_OTHERWISE } from './batch.js'

interface Sent {
  /** Index of the unit that it belongs to. */
  readonly unit: number | null
  readonly answer: Promise<void>
}

/** Whether statements may go out before the ones before them are answered: an option of the pool's connections. */
export function hasPipeline({ options }: Pool): boolean {
  return options.pipeline === true
}

/**
 * One transaction in two round trips: every statement is on its way before the first is answered, then COMMIT.
 *
 * @throws KrownError UNAVAILABLE; then nothing is stored.
 */
export async function runPostgresBatch(client: PostgresPoolClient, batch: Batch): Promise<BatchResult> {
  const sent = sendAll(client, batch)
  const answers = await Promise.allSettled(sent.map(({ answer }) => answer))
  // What follows the first failure fails because of it.
  const failedAt = answers.findIndex(({ status }) => status === 'rejected')
  const failed = answers[failedAt]
  if (failed?.status !== 'rejected') return commit(client)
  await client.query('rollback', []).catch(() => {})
  if (isKrownError(failed.reason) && failed.reason.code === 'UNAVAILABLE') throw failed.reason
  return { committed: false, unit: sent[failedAt]?.unit ?? null, error: toBatchError(failed.reason) }
}

// The tail first: the head of the chain is in it, whose row is the organization's mutex.
function sendAll(client: PostgresPoolClient, { units, tail }: Batch): Sent[] {
  const send = async ({ sql, parameters, mustTouch }: Statement) => {
    const { rowCount } = await client.query<unknown>(sql, parameters)
    if (mustTouch !== undefined && rowCount !== mustTouch) throw new TouchedOtherwise(rowCount, mustTouch)
  }
  const begin = { sql: 'begin isolation level read committed', parameters: [] }
  return [
    ...[begin, ...tail].map((statement) => ({ unit: null, answer: send(statement) })),
    ...units.flatMap((list, unit) => list.map((statement) => ({ unit, answer: send(statement) }))),
  ]
}

async function commit(client: PostgresPoolClient): Promise<BatchResult> {
  try {
    await client.query('commit', [])
    return { committed: true }
  } catch (error) {
    return { committed: 'in doubt', error }
  }
}

class TouchedOtherwise extends Error {
  readonly code = TOUCHED_OTHERWISE

  constructor(touched: unknown, mustTouch: number) {
    super(`touched ${touched} rows instead of ${mustTouch}`)
  }
}

/** Of a constraint, the error of the driver has the code. */
function toBatchError(error: unknown) {
  const { message, code, cause } = error as { message: string; code?: string; cause?: { code?: string } }
  return { message, code: code ?? cause?.code }
}
