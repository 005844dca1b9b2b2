import { generateKeyPairSync } from 'node:crypto'
import { generateKey } from '@krown/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isTooCostly } from './key-cost.js'

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length = Buffer.alloc(3, 0x82)
  length.writeUInt16BE(content.length, 1)
  return Buffer.concat([Buffer.of(tag), length, content])
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
const oid = (hex: string) => Buffer.from(hex, 'hex')
const integer = (value: number) => {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(value, 0, 6)
  return der(0x02, bytes)
}

const SALT = der(0x04, Buffer.alloc(16))
const AES = sequence(oid('060960864801650304012a'), SALT)
const PBES2 = oid('06092a864886f70d01050d')

function encryptedKey(derivation: Buffer): string {
  const key = sequence(sequence(PBES2, sequence(derivation, AES)), der(0x04, Buffer.alloc(64)))
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${key.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`
}

const pbkdf2 = (iterations: number) =>
  encryptedKey(sequence(oid('06092a864886f70d01050c'), sequence(SALT, integer(iterations))))

const scrypt = (n: number, r: number, p: number) =>
  encryptedKey(sequence(oid('06092b06010401da47040b'), sequence(SALT, integer(n), integer(r), integer(p))))

test('keys as tools make them are worth decrypting', () => {
  const passphrase = 'pass phrase'
  for (const format of ['openssh', 'pem', 'pkcs8'] as const)
    expect(isTooCostly(generateKey({ type: 'rsa', format, passphrase }).privateKey)).toBe(false)
  const { privateKey } = generateKeyPairSync('ed25519')
  const cipher = { format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  expect(isTooCostly(privateKey.export({ type: 'pkcs8', ...cipher }).toString())).toBe(false)
  expect(isTooCostly(pbkdf2(600_000))).toBe(false)
  expect(isTooCostly(scrypt(2 ** 17, 8, 1))).toBe(false)
})

test.each([
  ['PBKDF2 with 2,147,483,647 iterations', pbkdf2(0x7fffffff)],
  ['scrypt with a large N', scrypt(2 ** 24, 8, 1)],
  ['scrypt with a large p', scrypt(2 ** 14, 8, 2 ** 16)],
])('%s is not', (_what, key) => {
  expect(isTooCostly(key)).toBe(true)
})

test('whatever the bytes, an answer comes', () => {
  const headers = ['OPENSSH PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'RSA PRIVATE KEY']
  fc.assert(
    fc.property(fc.constantFrom(...headers), fc.uint8Array({ maxLength: 300 }), (header, bytes) => {
      const body = Buffer.from(bytes).toString('base64')
      expect([true, false]).toContain(
        isTooCostly(`-----BEGIN ${header}-----\n${body}\n-----END ${header}-----`),
      )
    }),
  )
})
