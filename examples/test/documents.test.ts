import { expect, test } from 'vitest'
import { WIRE } from '../../packages/server/src/errors/error-mapping.js'
import { readDocument } from './markdown.js'

test('the keys in README.md are as the configuration reference has them', () => {
  const rows = readDocument('README.md').match(/^\| `[a-z_.]+` \| .+ \|$/gm) ?? []
  const reference = readDocument('docs/reference/configuration.md').split('\n')
  expect(rows.length).toBeGreaterThan(10)
  for (const row of rows) expect(reference).toContain(row)
})

test('docs/errors.md has the HTTP status of each code', () => {
  const rows = readDocument('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| `[a-z_]+` \| (\d{3}) \|/gm)
  const documented = Object.fromEntries([...rows].map(([, code, status]) => [code, Number(status)]))
  expect(documented).toEqual(Object.fromEntries(Object.entries(WIRE).map(([code, { http }]) => [code, http])))
})
