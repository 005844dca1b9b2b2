import { notUnderstood } from '../errors/problem.js'

/** What a binary frame is about, as `docs/websocket.md` has it. */
export const FRAME = { output: 1, errorOutput: 2, input: 3, inputTaken: 4 } as const

const HEADER_BYTES = 13

export interface Frame {
  readonly kind: number
  readonly channel: number
  readonly offset: number
  readonly payload: Uint8Array
}

export function encodeInput(channel: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + data.length)
  const view = new DataView(frame.buffer)
  view.setUint8(0, FRAME.input)
  view.setUint32(1, channel)
  frame.set(data, HEADER_BYTES)
  return frame
}

/** @throws KrownClientError UNKNOWN for what is no frame. */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < HEADER_BYTES) throw notUnderstood()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const offset = Number(view.getBigUint64(5))
  if (!Number.isSafeInteger(offset)) throw notUnderstood()
  return { kind: view.getUint8(0), channel: view.getUint32(1), offset, payload: bytes.subarray(HEADER_BYTES) }
}
