import { KrownError } from '../errors/krown-error.js'

/** A unique or foreign key or check constraint said no. `constraint` is its name, or its columns on SQLite. */
export class ConstraintError extends Error {
  override readonly name = 'ConstraintError'
  readonly isUnique: boolean

  constructor(message: string, isUnique: boolean, cause: unknown) {
    super(message, { cause })
    this.isUnique = isUnique
  }
}

/** True when the error says that a row with such a key is there already. */
export function isUniqueViolation(error: unknown): error is ConstraintError {
  return error instanceof ConstraintError && error.isUnique
}

// SQLSTATE classes in which the database, not the statement, is at fault: connection, resources, operator
// intervention, system error, lock or transaction trouble; 25006 is a read-only standby.
const POSTGRES_OUTAGE = /^(08|53|57|58|40|55)...$|^25006$|^25P0[1-4]$|^XX/
const SQLITE_OUTAGE = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|PERM|PROTOCOL)/

/** Translates what the drivers throw; the only place that knows their codes. */
export function fromDriverError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof KrownError || error instanceof ConstraintError)
    return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code?.startsWith('SQLITE_CONSTRAINT')) {
    return new ConstraintError(error.message, /UNIQUE|PRIMARYKEY/.test(code), error)
  }
  if (code !== undefined && /^23...$/.test(code))
    return new ConstraintError(error.message, code === '23505', error)
  // Class 22: a value that PostgreSQL cannot hold, such as NUL in text. Schemas refuse it first.
  if (code !== undefined && /^22...$/.test(code)) {
    return new KrownError('VALIDATION_FAILED', 'a value cannot be stored', { cause: error })
  }
  return isOutage(error, code) ? databaseUnavailable(error) : error
}

export function databaseUnavailable(cause: unknown): KrownError {
  return new KrownError('UNAVAILABLE', 'the database cannot be used right now', {
    cause,
    retryAfterMs: 1_000,
  })
}

function isOutage(error: Error, code: string | undefined): boolean {
  if (code === undefined) return !('position' in error) && isConnectionMessage(error.message)
  return POSTGRES_OUTAGE.test(code) || SQLITE_OUTAGE.test(code) || /^E[A-Z]+$/.test(code)
}

// pg gives no code to these.
function isConnectionMessage(message: string): boolean {
  return /connection terminated|timeout exceeded|timeout expired|connection (error|ended)|not queryable|Query read timeout|pool after calling end/i.test(
    message,
  )
}
