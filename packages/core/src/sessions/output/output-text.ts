import { isUtf8 } from 'node:buffer'
import type { OutputEncoding } from '../../model/command.js'

export interface EncodedOutput {
  readonly text: string
  readonly encoding: OutputEncoding
}

/** As text where it is valid UTF-8, else as base64. */
export function encodeOutput(bytes: Buffer): EncodedOutput {
  return isUtf8(bytes)
    ? { text: bytes.toString('utf8'), encoding: 'utf8' }
    : { text: bytes.toString('base64'), encoding: 'base64' }
}

/** Bytes at the end, 0 to 3, that begin a UTF-8 sequence which does not end there. */
export function cutCharacterBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (isLead(byte)) return sequenceLength(byte) > back ? back : 0
  }
  return 0
}

// What is no lead and no continuation never is part of text: nothing that follows makes it so.
function isLead(byte: number): boolean {
  return byte >= 0xc2 && byte <= 0xf4
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}
