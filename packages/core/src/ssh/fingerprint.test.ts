import { generateKey } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { describeHostKey, fingerprint, rsaBits } from './fingerprint.js'

function blobOf(publicKey: string): Buffer {
  return Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')
}

function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

describe('fingerprint', () => {
  test('is what ssh-keygen -l prints', () => {
    // ssh-keygen -l of this very key.
    const blob = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIEhpZMO27evcf3Wf25uqU6LTzmf0n3wc2xG8RUNKdZHy', 'base64')
    expect(fingerprint(blob)).toBe('SHA256:bcrYKyLeoKBGOmr6zcK4m27I7nItZwlZa0Bp6A3r7zg')
  })
})

describe('describeHostKey', () => {
  test.each(['ed25519', 'ecdsa', 'rsa'] as const)('names a key of type %s', (type) => {
    const key = generateKey({ type })
    const [algorithm] = key.publicKey.split(' ')
    expect(describeHostKey(blobOf(key.publicKey))).toMatchObject({ algorithm, fingerprint: key.fingerprint })
  })

  test.each([
    ['empty', Buffer.alloc(0)],
    ['cut off', Buffer.from([0, 0, 0, 11, 115, 115])],
    ['of a type that is no name', sshString('ssh-ed25519\n<b>')],
    ['of a type without end', sshString('a'.repeat(65))],
  ])('has no words for a blob that is %s', (_, blob) => {
    expect(describeHostKey(blob)).toBeNull()
  })
})

describe('rsaBits', () => {
  test('counts from the highest bit that is set', () => {
    const modulus = Buffer.concat([Buffer.of(0, 0x80), Buffer.alloc(2047)])
    expect(rsaBits(Buffer.concat([sshString('ssh-rsa'), sshString('e'), sshString(modulus)]))).toBe(16384)
    expect(rsaBits(Buffer.concat([sshString('ssh-rsa'), sshString('e'), sshString(Buffer.of(5))]))).toBe(3)
    expect(rsaBits(Buffer.concat([sshString('ssh-rsa'), sshString('e'), sshString(Buffer.of(0))]))).toBe(0)
  })

  test('knows nothing of other keys and of halves', () => {
    expect(rsaBits(blobOf(generateKey().publicKey))).toBeNull()
    expect(rsaBits(Buffer.concat([sshString('ssh-rsa'), sshString('e')]))).toBeNull()
  })

  test.each([2048, 3072])('agrees with a real key of %i bits', (bits) => {
    expect(rsaBits(blobOf(generateKey({ type: 'rsa', bits }).publicKey))).toBe(bits)
  })
})
