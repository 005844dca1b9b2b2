import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { type Deferred, defer } from '../base/deferred.js'
import { type Batch, type BatchResult, toError } from './batch.js'
import { databaseUnavailable, fromDriverError } from './db-errors.js'
import type { QueryAnswer, ThreadData, ThreadRequest, ThreadResponse } from './sqlite-protocol.js'

type Answer = QueryAnswer | BatchResult | null
type RequestBody = ThreadRequest extends infer R ? (R extends ThreadRequest ? Omit<R, 'id'> : never) : never

const BUSY_RETRY_MS = 25
const BUSY_GIVE_UP_MS = 5_000

/** The main thread's end of an SQLite thread. */
export class SqliteClient {
  readonly #worker: Worker
  readonly #pending = new Map<number, Deferred<Answer>>()
  #nextId = 1
  #failure: unknown
  /** Since when every write found the database locked; whoever waits in line has waited as long. */
  #busySince: number | undefined

  /** @param threadFile The built `sqlite-thread`; a package import, so that it is found from `src` and `dist`. */
  constructor(workerData: ThreadData, threadFile = createRequire(import.meta.url).resolve('#sqlite-thread')) {
    this.#worker = new Worker(threadFile, { workerData })
    this.#worker.on('message', (response: ThreadResponse) => this.#settle(response))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the database is closed')))
  }

  async query(sql: string, parameters: readonly unknown[]): Promise<QueryAnswer> {
    const answer = (await this.#whileBusy(() => this.#ask({ kind: 'query', sql, parameters }))) as QueryAnswer
    if (answer.changes !== undefined) this.#busySince = undefined
    return answer
  }

  /** One transaction in one message. A constraint or `mustTouch` that says no is an answer, not an error. */
  async batch(batch: Batch): Promise<BatchResult> {
    const result = (await this.#whileBusy(async () => {
      const attempted = (await this.#ask({ kind: 'batch', batch })) as BatchResult
      if (attempted.committed === false && isBusy(attempted.error)) throw toError(attempted.error)
      return attempted
    })) as BatchResult
    this.#busySince = undefined
    return result
  }

  async close(): Promise<void> {
    // A thread that dies meanwhile is closed too.
    await this.#ask({ kind: 'close' }).catch(() => {})
    await this.#worker.terminate()
  }

  // Another process (an admin command) may hold the write lock for a moment.
  async #whileBusy(attempt: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (!isBusy(error)) throw fromDriverError(error)
        this.#busySince ??= performance.now()
        if (performance.now() - this.#busySince > BUSY_GIVE_UP_MS) throw fromDriverError(error)
        await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS))
      }
    }
  }

  #ask(body: RequestBody): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(databaseUnavailable(this.#failure))
    const id = this.#nextId++
    const answer = defer<Answer>()
    this.#pending.set(id, answer)
    this.#worker.postMessage({ ...body, id })
    return answer.promise
  }

  #settle(response: ThreadResponse): void {
    const waiting = this.#pending.get(response.id)
    this.#pending.delete(response.id)
    if (response.ok) waiting?.resolve(response.value)
    else waiting?.reject(toError(response.error))
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const waiting of this.#pending.values()) waiting.reject(databaseUnavailable(error))
    this.#pending.clear()
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && /^SQLITE_(BUSY|LOCKED)/.test(code)
}
