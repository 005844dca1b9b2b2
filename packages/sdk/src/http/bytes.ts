import type { OutputEncoding } from '@krown/core/model'
import { invalidInput } from '../errors/errors.js'

const encoder = new TextEncoder()
// Node's Buffer is faster by far; browsers have none.
const NodeBuffer = (globalThis as { Buffer?: typeof Buffer }).Buffer

/** The bytes that a JSON door wrote as text. */
export function decodeData(data: string, encoding: OutputEncoding): Uint8Array {
  return encoding === 'base64' ? fromBase64(data) : encoder.encode(data)
}

/** @throws KrownClientError VALIDATION_FAILED for what is neither text nor bytes. */
export function toBytes(data: unknown): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data)
  if (data instanceof Uint8Array) return data
  throw invalidInput('data', 'must be text or bytes')
}

export function toBase64(bytes: Uint8Array): string {
  if (NodeBuffer) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

function fromBase64(text: string): Uint8Array {
  if (NodeBuffer) return NodeBuffer.from(text, 'base64')
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
