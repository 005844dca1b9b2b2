import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import {
  type Batch,
  type BatchResult,
  type ReportedError,
  type Statement,
  TOUCHED_OTHERWISE,
} from './batch.js'
import type { QueryAnswer, ThreadData, ThreadRequest, ThreadResponse } from './sqlite-protocol.js'

// Entry of a thread that has the database open: an fsync or a long search here never stops the event loop.

const MAX_CACHED_STATEMENTS = 500

const { file, access } = workerData as ThreadData
const OPEN_GIVE_UP_MS = 5_000
const OPEN_RETRY_MS = 10

const db = openOrExplain()
const files = [file, `${file}-wal`].map((path) => ({ path, inode: inodeOf(path) }))
const statements = new Map<string, Database.Statement>()

/** An error of better-sqlite3 that nobody catches loses its message on the way to the main thread. */
function openOrExplain(): Database.Database {
  try {
    return openDatabase()
  } catch (error) {
    const { message, code } = toThreadError(error)
    throw Object.assign(new Error(message), { code })
  }
}

function openDatabase(): Database.Database {
  const opened = new Database(file)
  // Long, because whoever comes second waits for the first here, where nobody waits yet.
  opened.pragma(`busy_timeout = ${OPEN_GIVE_UP_MS}`)
  useWriteAheadLog(opened)
  // FULL: a journal entry that was acknowledged survives a power cut.
  opened.pragma('synchronous = FULL')
  opened.pragma('foreign_keys = ON')
  // Short, because waiting here blocks every other query; the main thread retries without blocking.
  opened.pragma('busy_timeout = 20')
  // SQLite's own knows the cases of ASCII only.
  opened.function('lower', { deterministic: true }, lower)
  // The first read makes the write-ahead log's file.
  opened.prepare('select 1 from sqlite_schema').all()
  if (access === 'read') opened.pragma('query_only = ON')
  return opened
}

/** Two who make the log at once could wait for each other, so SQLite refuses one without waiting for its turn. */
function useWriteAheadLog(opened: Database.Database): void {
  const giveUpAt = performance.now() + OPEN_GIVE_UP_MS
  for (;;) {
    try {
      opened.pragma('journal_mode = WAL')
      return
    } catch (error) {
      if (toThreadError(error).code !== 'SQLITE_BUSY' || performance.now() > giveUpAt) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_RETRY_MS)
    }
  }
}

/**
 * SQLite goes on writing to files that were removed or replaced, and what it acknowledges then is lost.
 */
function requireFilesInPlace(): void {
  if (files.every(({ path, inode }) => inodeOf(path) === inode)) return
  throw Object.assign(new Error('the database file was removed or replaced'), {
    code: 'SQLITE_READONLY_DBMOVED',
  })
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}

function lower(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}

function prepare(sql: string): Database.Statement {
  const cached = statements.get(sql)
  if (cached) return cached
  const statement = db.prepare(sql)
  if (statements.size >= MAX_CACHED_STATEMENTS) statements.clear()
  statements.set(sql, statement)
  return statement
}

function run(sql: string, parameters: readonly unknown[]): QueryAnswer {
  const statement = prepare(sql)
  if (statement.reader) return { rows: statement.all(parameters), changes: undefined }
  // Not within a transaction: it has to end one way or the other.
  if (!db.inTransaction) requireFilesInPlace()
  return { rows: [], changes: statement.run(parameters).changes }
}

function runAll(list: readonly Statement[]): void {
  for (const { sql, parameters, mustTouch } of list) {
    const { rows, changes = rows.length } = run(sql, parameters)
    if (mustTouch !== undefined && changes !== mustTouch) {
      throw Object.assign(new Error(`touched ${changes} rows instead of ${mustTouch}`), {
        code: TOUCHED_OTHERWISE,
      })
    }
  }
}

function runBatch(batch: Batch): BatchResult {
  let unit: number | null = null
  try {
    run('begin immediate', [])
    for (unit = 0; unit < batch.units.length; unit += 1) runAll(batch.units[unit] ?? [])
    unit = null
    runAll(batch.tail)
    run('commit', [])
    return { committed: true }
  } catch (error) {
    if (db.inTransaction) run('rollback', [])
    return { committed: false, unit, error: toThreadError(error) }
  }
}

function answer(request: ThreadRequest): ThreadResponse {
  try {
    if (request.kind === 'query')
      return { id: request.id, ok: true, value: run(request.sql, request.parameters) }
    if (request.kind === 'batch') return { id: request.id, ok: true, value: runBatch(request.batch) }
    db.close()
    return { id: request.id, ok: true, value: null }
  } catch (error) {
    return { id: request.id, ok: false, error: toThreadError(error) }
  }
}

function toThreadError(error: unknown): ReportedError {
  const { message, code } = error as { message: string; code?: string }
  return { message, code }
}

parentPort?.on('message', (request: ThreadRequest) => {
  parentPort?.postMessage(answer(request))
  if (request.kind === 'close') parentPort?.close()
})
