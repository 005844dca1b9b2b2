import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newId } from '../base/ids.js'
import type { CredentialId, OrgId } from '../model/ids.js'
import { Keyring } from './keyring.js'
import { type SecretPlace, Vault } from './vault.js'

const PLACE: SecretPlace = {
  table: 'credentials',
  column: 'secret',
  orgId: '01932c1e-0000-7000-8000-000000000001' as OrgId,
  rowId: '01932c1e-a220-7f31-9d52-4c8e7f6a5b07',
  version: 3,
}

function newVault(masterKey = randomBytes(32).toString('base64'), previousMasterKeys: string[] = []) {
  const keyring = new Keyring({ masterKey, previousMasterKeys })
  return { vault: new Vault(keyring), keyId: String(keyring.mainId) }
}

/** Made by another implementation of HKDF and AES-GCM, which had NIST's own vectors right. */
const VECTOR = {
  masterKey: Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64'),
  sealed: 'kv1.630dcd29.ZGVmZ2hpamtsbW5v.mWS1TvyJ9nYZYsncmXy84c4V1j_w9Jf9n62nWLrtXU1w',
  secret: 'correct horse ⚡',
}

test('the format is what is written down: another implementation made this text', () => {
  const { vault, keyId } = newVault(VECTOR.masterKey)
  expect(keyId).toBe('630dcd29')
  expect(vault.open(VECTOR.sealed, PLACE)).toBe(VECTOR.secret)
})

test.each(['', 'x', 'ü'.repeat(5_000), '-----BEGIN PRIVATE KEY-----\n\0'])(
  'what was sealed is opened again',
  (secret) => {
    const { vault, keyId } = newVault()
    expect(vault.open(vault.seal(secret, PLACE, keyId), PLACE)).toBe(secret)
  },
)

test('the same secret looks different each time', () => {
  const { vault, keyId } = newVault()
  const texts = Array.from({ length: 100 }, () => vault.seal('secret', PLACE, keyId))
  expect(new Set(texts.map((text) => text.split('.')[2])).size).toBe(100)
  expect(new Set(texts.map((text) => text.split('.')[3])).size).toBe(100)
  expect(texts[0]).not.toContain('secret')
})

describe('a secret moved to', () => {
  test.each<[string, Partial<SecretPlace>]>([
    ['another row', { rowId: newId<CredentialId>() }],
    ['another organization', { orgId: newId<OrgId>() }],
    ['another table', { table: 'recordings' }],
    ['another column', { column: 'passphrase' }],
    ['an older version', { version: 2 }],
    ['a newer version', { version: 4 }],
  ])('%s is not opened', (_, change) => {
    const { vault, keyId } = newVault()
    const sealed = vault.seal('secret', PLACE, keyId)
    expect(() => vault.open(sealed, { ...PLACE, ...change })).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    )
  })
})

test('one with any single character changed, cut or added is not opened', () => {
  const { vault, keyId } = newVault()
  const sealed = vault.seal('secret', PLACE, keyId)
  const other = (char: string) => (char === 'A' ? 'B' : 'A')
  const changed = [...sealed].flatMap((char, at) => [
    sealed.slice(0, at) + other(char) + sealed.slice(at + 1),
    sealed.slice(0, at) + sealed.slice(at + 1),
    sealed.slice(0, at),
    `${sealed.slice(0, at)}A${sealed.slice(at)}`,
  ])
  for (const text of [...changed, `${sealed}A`, `${sealed}==`, sealed.toUpperCase(), '', 'kv1...']) {
    expect(() => vault.open(text, PLACE), text).toThrow()
  }
})

test('one whose last character says the same in other bits is another text, and is not opened', () => {
  const { vault, keyId } = newVault()
  // 18 + 16 bytes: the last character of base64 has four bits that mean nothing.
  const sealed = vault.seal('eighteen bytes 123', PLACE, keyId)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(sealed.at(-1) ?? '')
  expect(() => vault.open(sealed.slice(0, -1) + alphabet[last + 1], PLACE)).toThrow()
})

test('J10: a secret under a key that was not given names the key, and is neither read nor written', () => {
  const { vault, keyId } = newVault()
  const sealed = vault.seal('secret', PLACE, keyId)
  const { vault: stranger } = newVault()
  const needed = expect.objectContaining({
    code: 'CONFLICT',
    message: expect.stringContaining(keyId),
    details: { masterKeyId: keyId },
  })
  expect(() => stranger.open(sealed, PLACE)).toThrow(needed)
  expect(() => stranger.seal('secret', PLACE, keyId)).toThrow(needed)
})

test('J10: a secret whose key id was exchanged for that of another key is not opened', () => {
  const [one, other] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const { vault, keyId } = newVault(one, [other])
  const sealed = vault.seal('secret', PLACE, keyId)
  const otherId = newVault(other).keyId
  expect(() => vault.open(sealed.replace(keyId, otherId), PLACE)).toThrow(
    expect.objectContaining({ code: 'INTERNAL' }),
  )
})

test('an error says nothing of the secret or the key', () => {
  const { vault, keyId } = newVault(VECTOR.masterKey)
  const sealed = vault.seal('a planted secret', PLACE, keyId)
  try {
    vault.open(sealed, { ...PLACE, version: 9 })
    expect.unreachable()
  } catch (error) {
    const text = JSON.stringify(error, Object.getOwnPropertyNames(error))
    expect(text).not.toContain('planted')
    expect(text).not.toContain(VECTOR.masterKey)
  }
})
