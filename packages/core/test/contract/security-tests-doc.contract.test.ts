import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../../../..')
const ONE = String.raw`(?:[A-J]\d{2}|T\d{1,2})`
const ID = new RegExp(String.raw`\b${ONE}\b`, 'g')
const ROW = new RegExp(String.raw`^\| (${ONE}) \|`, 'gm')

// At the beginning of a name, also in tables of names: 'F21: …', 'A01, A02: …'.
const NAMED = new RegExp(String.raw`['"\x60](${ONE}(?:,? (?:and )?${ONE})*)[ :(]`, 'g')

function idsInTestNames(): Set<string> {
  const names = testFiles(ROOT).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(NAMED)])
  return new Set(names.flatMap(([, ids = '']) => ids.match(ID) ?? []))
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.')) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return testFiles(path)
    return entry.name.endsWith('.test.ts') || entry.name.endsWith('.contract.ts') ? [path] : []
  })
}

function idsInDocument(): Set<string> {
  const text = readFileSync(join(ROOT, 'docs/security-tests.md'), 'utf8')
  return new Set([...text.matchAll(ROW)].map(([, id = '']) => id))
}

test('every row of the security tests page has a test by its id', () => {
  const tested = idsInTestNames()
  expect([...idsInDocument()].filter((id) => !tested.has(id))).toEqual([])
})

test('every id in a test name has its row on the page', () => {
  const documented = idsInDocument()
  expect([...idsInTestNames()].filter((id) => !documented.has(id))).toEqual([])
})
