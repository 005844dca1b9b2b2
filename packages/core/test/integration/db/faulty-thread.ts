import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CORE = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * A thread file that changes better-sqlite3 before the real thread starts on it.
 *
 * @param patch JavaScript with `Database` (the class) and `onRun(matches, before)` in scope: `before` is called with
 * the SQL ahead of every run of a statement that `matches`, and may wait or throw.
 */
export async function writeFaultyThread(folder: string, patch: string): Promise<string> {
  const file = join(folder, 'faulty-thread.mjs')
  await writeFile(
    file,
    `import { appendFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
const Database = createRequire(${JSON.stringify(`${CORE}package.json`)})('better-sqlite3')
const cell = new Int32Array(new SharedArrayBuffer(4))
const sleep = (ms) => Atomics.wait(cell, 0, 0, ms)
const prepare = Database.prototype.prepare
function onRun(matches, before) {
  Database.prototype.prepare = function (sql) {
    const statement = prepare.call(this, sql)
    if (!matches(sql)) return statement
    for (const method of ['run', 'all']) {
      const original = statement[method]
      statement[method] = (...args) => {
        before(sql)
        return original.apply(statement, args)
      }
    }
    return statement
  }
}
${patch}
await import(${JSON.stringify(`${CORE}dist/sqlite-thread.js`)})
`,
  )
  return file
}
