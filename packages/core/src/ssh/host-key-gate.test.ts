import { expect, test, vi } from 'vitest'
import { HostKeyGate } from './host-key-gate.js'

function rsaBlob(bits: number): Buffer {
  const modulus = Buffer.concat([Buffer.of(0, 0x80), Buffer.alloc(bits / 8 - 1, 1)])
  return Buffer.concat(
    ['ssh-rsa', Buffer.of(1, 0, 1), modulus].flatMap((field) => withLength(Buffer.from(field))),
  )
}

function withLength(bytes: Buffer): Buffer[] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}

function gate(options: { legacyAlgorithms?: boolean } = {}) {
  const calls = { verify: vi.fn(async () => undefined), onRefused: vi.fn(), decide: vi.fn() }
  const made = new HostKeyGate({ legacyAlgorithms: false, ...calls, ...options })
  return { ...calls, gate: made }
}

test.each([1024, 2040, 8200, 16384])(
  'F09: an RSA key of %i bits is refused before it is looked at',
  (bits) => {
    const { gate: made, verify, onRefused, decide } = gate()

    made.check(rsaBlob(bits), decide)

    expect(onRefused).toHaveBeenCalledWith(
      expect.objectContaining({
        code: 'TARGET_PROTOCOL_ERROR',
        details: expect.objectContaining({ maxBits: 8192 }),
      }),
    )
    expect(verify).not.toHaveBeenCalled()
    expect(decide).not.toHaveBeenCalled()
  },
)

test.each([
  [2048, false],
  [8192, false],
  [1024, true],
])('an RSA key of %i bits is shown to the verifier (legacy: %s)', async (bits, legacyAlgorithms) => {
  const { gate: made, verify, decide } = gate({ legacyAlgorithms })
  made.check(rsaBlob(bits), decide)
  await vi.waitFor(() => expect(decide).toHaveBeenCalledWith(true))
  expect(verify).toHaveBeenCalledOnce()
})

test('F12: a second key while the first is being decided is refused', () => {
  const { gate: made, decide } = gate()
  made.check(rsaBlob(2048), () => undefined)
  made.check(rsaBlob(2048), decide)
  expect(decide).toHaveBeenCalledWith(false)
})

test('F14: it tells ssh2 nothing itself: any return value would be taken for a yes', () => {
  const { gate: made, decide } = gate()
  expect(made.check(rsaBlob(2048), decide)).toBeUndefined()
})
