import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { utils } from 'ssh2'
import { describe, expect, test } from 'vitest'
import { createTempDir, fingerprintOf, generateKey, type KeyOptions } from '../src/index.js'

const READABLE_BY_SSH2: KeyOptions[] = [
  { type: 'ed25519' },
  { type: 'ecdsa' },
  { type: 'ecdsa', bits: 521 },
  { type: 'rsa' },
  { type: 'ed25519', passphrase: 'correct horse' },
  { type: 'rsa', format: 'pem' },
  { type: 'ecdsa', format: 'pem', passphrase: 'correct horse' },
]

const PKCS8: KeyOptions[] = [
  { type: 'rsa', format: 'pkcs8' },
  { type: 'ecdsa', bits: 384, format: 'pkcs8' },
]

describe('generateKey', () => {
  test.each(READABLE_BY_SSH2)('makes %j, which ssh2 reads and whose halves fit', (options) => {
    const pair = generateKey(options)
    const key = utils.parseKey(pair.privateKey, pair.passphrase)
    if (key instanceof Error) throw key
    expect(fingerprintOf(key.getPublicSSH())).toBe(pair.fingerprint)
  })

  test.each([...READABLE_BY_SSH2, ...PKCS8])('makes %j, which ssh-keygen reads', async (options) => {
    await using dir = await createTempDir()
    const pair = generateKey(options)
    const path = join(dir.path, 'key')
    await writeFile(path, pair.privateKey, { mode: 0o600 })
    const publicKey = execFileSync('ssh-keygen', ['-y', '-P', pair.passphrase ?? '', '-f', path], {
      encoding: 'utf8',
    })
    expect(fingerprintOf(publicKey)).toBe(pair.fingerprint)
  })

  test('gives the fingerprint that ssh-keygen -lf prints', async () => {
    await using dir = await createTempDir()
    const pair = generateKey()
    const path = join(dir.path, 'key.pub')
    await writeFile(path, pair.publicKey)
    expect(execFileSync('ssh-keygen', ['-lf', path], { encoding: 'utf8' })).toContain(pair.fingerprint)
  })

  test('encrypts PKCS#8 ed25519 keys', () => {
    const pair = generateKey({ format: 'pkcs8', passphrase: 'correct horse' })
    expect(pair.privateKey).toContain('BEGIN ENCRYPTED PRIVATE KEY')
  })

  test('refuses a PEM form that does not exist', () => {
    expect(() => generateKey({ format: 'pem' })).toThrow(/ed25519/)
  })
})
