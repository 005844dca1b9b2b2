import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { permissionTable, type Reach } from '../../src/access/permission-table.js'

const DOCUMENT = new URL('../../../../docs/guide/users-and-roles.md', import.meta.url)
const ROW = /^\| `([a-z]+:[a-z]+)` \| (org|own|no) \| (org|own|no) \| (org|own|no) \| (org|own)? ?\|$/gm

const toReach = (word: string | undefined) => (word === 'no' ? 'none' : word) as Reach | undefined

test('docs/guide/users-and-roles.md has the permission table as it is in force', () => {
  const documented = [...readFileSync(DOCUMENT, 'utf8').matchAll(ROW)].map(
    ([, permission, admin, operator, readonly, auditor]) => [
      permission,
      {
        admin: toReach(admin),
        operator: toReach(operator),
        readonly: toReach(readonly),
        ...(auditor && { auditor: toReach(auditor) }),
      },
    ],
  )
  expect(Object.fromEntries(documented)).toEqual(permissionTable)
})
