import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IdentificationReader } from './identification.js'

function read(text: string | Buffer, { acceptsSsh1 = false, pieceBytes = 1e9 } = {}) {
  const reader = new IdentificationReader({ acceptsSsh1 })
  const bytes = Buffer.from(text as string, 'latin1')
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    const begun = reader.push(bytes.subarray(from, from + pieceBytes))
    if (begun) return { begun: begun.toString('latin1'), reader, rest: bytes.subarray(from + pieceBytes) }
  }
  return { begun: null, reader, rest: Buffer.alloc(0) }
}

const refused = expect.objectContaining({ code: 'TARGET_PROTOCOL_ERROR', details: { reason: 'not_ssh' } })

describe('IdentificationReader', () => {
  test('hands over the identification with what follows, without the lines before it', () => {
    expect(read('Welcome\r\nto the machine\r\nSSH-2.0-X_1 y\r\n\0\0rest').begun).toBe(
      'SSH-2.0-X_1 y\r\n\0\0rest',
    )
  })

  test('finds it wherever the pieces end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), (pieceBytes) => {
        const { begun, rest } = read('Hello\r\nWorld\r\nSSH-2.0-X\r\nkey exchange', { pieceBytes })
        expect(`${begun}${rest}`).toBe('SSH-2.0-X\r\nkey exchange')
      }),
    )
  })

  test.each([
    'SSH-1.5-Old\r\n',
    'SSH-1.99-Old\r\n',
    'SSH-3.0-New\r\n',
    'HTTP/1.1 400 Bad Request\r\n',
    '220 mail ESMTP\r\n',
    '+OK POP3\r\n',
    '* OK IMAP\r\n',
    '\x15\x03\x03\0\x02\x02\n',
    `${'x'.repeat(8192)}`,
    `${'x'.repeat(8192)}\n`,
  ])('F07: %j is not SSH 2', (text) => {
    expect(() => read(text)).toThrow(refused)
  })

  test('takes 1.99 from an old device that was opted in', () => {
    expect(read('SSH-1.99-Old\r\n', { acceptsSsh1: true }).begun).toBe('SSH-1.99-Old\r\n')
  })

  test('knows that a target spoke, but not SSH', () => {
    expect(read('login: \r\n').reader.sawOtherLines).toBe(true)
    expect(read('no line yet').reader.sawOtherLines).toBe(false)
    expect(read('Hello\r\nSSH-2.0-X\r\n').reader.sawOtherLines).toBe(false)
  })

  test('takes sshd’s words for «too many» as SSH', () => {
    expect(read('Exceeded MaxStartups\r\n').reader.sawOtherLines).toBe(false)
  })
})
