import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createTempDir } from '@krown/testkit/temp-dir'

interface Statement {
  run(...parameters: unknown[]): void
}

interface SqliteFile {
  pragma(text: string): void
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

const ROW = 'a row of about the size of a journal entry '.repeat(12)

/** The least that one durable row costs here: an insert that commits by itself, in WAL mode with FULL. */
export class DurableCommit implements AsyncDisposable {
  readonly #file: SqliteFile
  readonly #insert: Statement
  readonly #removeDir: () => Promise<void>

  private constructor(file: SqliteFile, removeDir: () => Promise<void>) {
    this.#file = file
    this.#removeDir = removeDir
    file.pragma('journal_mode = WAL')
    file.pragma('synchronous = FULL')
    file.exec('create table entries (seq integer primary key, text text not null)')
    this.#insert = file.prepare('insert into entries (text) values (?)')
  }

  static async open(): Promise<DurableCommit> {
    const dir = await createTempDir()
    // The very library that core uses, which the root of the workspace does not depend on.
    const requireFromCore = createRequire(import.meta.resolve('@krown/core'))
    const Sqlite = requireFromCore('better-sqlite3') as new (file: string) => SqliteFile
    return new DurableCommit(new Sqlite(join(dir.path, 'commit.db')), () => dir.stop())
  }

  readonly run = async (): Promise<void> => {
    this.#insert.run(ROW)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file.close()
    await this.#removeDir()
  }
}
