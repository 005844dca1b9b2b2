import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { OrgId } from '../model/ids.js'
import { Keyring } from './keyring.js'

const ORG = '01932c1e-0000-7000-8000-000000000001' as OrgId

test('a key has the same id in each of its spellings', () => {
  const bytes = randomBytes(32)
  const ids = (['hex', 'base64', 'base64url'] as const).map(
    (spelling) => new Keyring({ masterKey: bytes.toString(spelling), previousMasterKeys: [] }).mainId,
  )
  expect(ids[0]).toMatch(/^[0-9a-f]{8}$/)
  expect(new Set(ids).size).toBe(1)
})

test('without a master key there is none to encrypt with, and older ones are still read', () => {
  const older = randomBytes(32).toString('base64')
  const { mainId: id } = new Keyring({ masterKey: older, previousMasterKeys: [] })
  const keyring = new Keyring({ masterKey: '', previousMasterKeys: [older] })
  expect(keyring.mainId).toBeNull()
  expect([keyring.has(String(id)), keyring.ids]).toEqual([true, [id]])
  expect(keyring.organizationKey(String(id), ORG)).toHaveLength(32)
})

test('each organization has a key of its own under each master key', () => {
  const [one, other] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const keyring = new Keyring({ masterKey: one, previousMasterKeys: [other] })
  const orgs = [ORG, '01932c1e-0000-7000-8000-000000000002' as OrgId]
  const keys = keyring.ids.flatMap((id) =>
    orgs.map((org) => keyring.organizationKey(id, org).toString('hex')),
  )
  expect(new Set(keys).size).toBe(4)
})

test('who prints a keyring sees no key', () => {
  const masterKey = randomBytes(32)
  const keyring = new Keyring({ masterKey: masterKey.toString('base64'), previousMasterKeys: [] })
  const printed = inspect(keyring, { depth: 9, showHidden: true }) + JSON.stringify(keyring)
  for (const spelling of ['hex', 'base64', 'base64url'] as const) {
    expect(printed).not.toContain(masterKey.toString(spelling))
  }
})
