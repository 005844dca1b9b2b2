/** Where the last frame of a whole file is. */
export interface Footer {
  /** Byte of the file at which it begins. */
  readonly offset: number
  readonly number: number
}

const MAGIC = Buffer.from('KROWNEND')
export const FOOTER_BYTES = MAGIC.length + 16

export function encodeFooter({ offset, number }: Footer): Buffer {
  const footer = Buffer.alloc(FOOTER_BYTES)
  footer.writeBigUInt64BE(BigInt(offset), 0)
  footer.writeBigUInt64BE(BigInt(number), 8)
  MAGIC.copy(footer, 16)
  return footer
}

/** It only says where to look: the frame there proves itself. @returns Undefined when it is none. */
export function decodeFooter(bytes: Buffer): Footer | undefined {
  if (bytes.length !== FOOTER_BYTES || !bytes.subarray(16).equals(MAGIC)) return undefined
  const offset = Number(bytes.readBigUInt64BE(0))
  const number = Number(bytes.readBigUInt64BE(8))
  return Number.isSafeInteger(offset) && Number.isSafeInteger(number) ? { offset, number } : undefined
}
