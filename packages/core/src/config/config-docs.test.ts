import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CONFIG_REFERENCE, renderConfigReference } from '../../../../scripts/write-config-docs.js'

test('the committed reference is what the schema says; if not, run tsx scripts/write-config-docs.ts', () => {
  expect(readFileSync(CONFIG_REFERENCE, 'utf8')).toBe(renderConfigReference())
})
