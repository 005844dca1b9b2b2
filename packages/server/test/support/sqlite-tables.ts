import { createRequire } from 'node:module'

/** Each table of a SQLite file with every value in it as text, beside whoever has it open. */
export function sqliteTables(file: string): [table: string, text: string][] {
  const require = createRequire(createRequire(import.meta.url).resolve('@krown/core/package.json'))
  const Database = require('better-sqlite3')
  const database = new Database(file, { readonly: true })
  try {
    const list = database.prepare("select name from sqlite_master where type = 'table'")
    const names: string[] = list.pluck().all()
    return names.map((name) => {
      const rows: unknown[][] = database.prepare(`select * from "${name}"`).raw().all()
      return [name, rows.flat().map(textOf).join('\n')]
    })
  } finally {
    database.close()
  }
}

const textOf = (value: unknown) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))
