/** What a binary frame is about: its first byte. `docs/websocket.md` has test vectors. */
export const FRAME = {
  output: 1,
  errorOutput: 2,
  /** From the client. */
  input: 3,
  /** No payload; the offset counts the input bytes of this attachment that the target took. */
  inputTaken: 4,
} as const

export type FrameKind = (typeof FRAME)[keyof typeof FRAME]

/** One byte of kind, the number of the channel (u32), an offset (u64), both big-endian. */
const HEADER_BYTES = 13

export function encodeFrame(
  kind: FrameKind,
  { channel, offset, data }: { channel: number; offset: number; data?: Uint8Array },
): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + (data?.length ?? 0))
  frame.writeUInt8(kind, 0)
  frame.writeUInt32BE(channel, 1)
  frame.writeBigUInt64BE(BigInt(offset), 5)
  if (data) frame.set(data, HEADER_BYTES)
  return frame
}

/** What a client types; its offset is not looked at. Undefined for what is no input at all. */
export function decodeInput(frame: Buffer): { channel: number; data: Buffer } | undefined {
  if (frame.length < HEADER_BYTES || frame.readUInt8(0) !== FRAME.input) return undefined
  return { channel: frame.readUInt32BE(1), data: frame.subarray(HEADER_BYTES) }
}
