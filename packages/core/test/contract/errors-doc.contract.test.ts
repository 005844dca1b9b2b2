import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalog } from '../../src/errors/catalog.js'

const DOCUMENT = new URL('../../../../docs/errors.md', import.meta.url)
const ROW = /^\| `([A-Z_]+)` \| `([a-z_]+)` \| \d{3} \| (yes|no) \| (.+) \| (.+) \|$/gm

const rows = [...readFileSync(DOCUMENT, 'utf8').matchAll(ROW)].map(([, code, kind, retryable]) => ({
  code,
  kind,
  retryable: retryable === 'yes',
}))

const codes = Object.entries(catalog).map(([code, entry]) => ({
  code,
  kind: entry.kind,
  retryable: 'retryable' in entry,
}))

const byCode = (a: { code?: string | undefined }, b: { code?: string | undefined }) =>
  (a.code ?? '').localeCompare(b.code ?? '')

test('docs/errors.md has one row for each code of the catalog, and none for another', () => {
  expect(rows.toSorted(byCode)).toEqual(codes.toSorted(byCode))
})
