import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { OrgId, RecordingId } from '../../model/ids.js'

/** Which frame of a recording it is. */
export interface FrameId {
  /** From 0. */
  readonly number: number
  /** Nothing follows: what was cut off shows by its absence. */
  readonly final: boolean
}

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
export const LENGTH_BYTES = 4
export const TAG_BYTES = 16
/** Of the four bytes of the length. */
const FINAL_BIT = 0x8000_0000
/** Most bytes of the plain of a frame: readers hold one at a time. */
const MAX_FRAME_BYTES = 2 * 1024 * 1024

/** Encrypts the frames of one recording, each bound to its recording, organization, place and finality. */
export class FrameCipher {
  readonly #key: Buffer
  readonly #place: string

  constructor(key: Buffer, { recordingId, orgId }: { recordingId: RecordingId; orgId: OrgId }) {
    this.#key = key
    this.#place = `krown-recording-v1|${recordingId}|${orgId}`
  }

  /** @returns A whole frame in pieces: length, ciphertext and tag. Never twice for one number: see the nonce. */
  seal(plain: Buffer, frame: FrameId): Buffer[] {
    const cipher = createCipheriv(CIPHER, this.#key, nonceOf(frame), { authTagLength: TAG_BYTES })
    cipher.setAAD(this.#bindingOf(frame))
    const body = cipher.update(plain)
    cipher.final()
    const length = Buffer.allocUnsafe(LENGTH_BYTES)
    length.writeUInt32BE(frame.final ? (body.length | FINAL_BIT) >>> 0 : body.length)
    return [length, body, cipher.getAuthTag()]
  }

  /** @returns The plain; undefined when the bytes are not of that frame of that recording under that key. */
  open(body: Buffer, tag: Buffer, frame: FrameId): Buffer | undefined {
    const decipher = createDecipheriv(CIPHER, this.#key, nonceOf(frame), { authTagLength: TAG_BYTES })
    decipher.setAAD(this.#bindingOf(frame)).setAuthTag(tag)
    const plain = decipher.update(body)
    try {
      decipher.final()
      return plain
    } catch {
      return undefined
    }
  }

  #bindingOf({ number, final }: FrameId): Buffer {
    return Buffer.from(`${this.#place}|${number}|${final ? 1 : 0}`)
  }
}

/** @returns Undefined for what no writer made. */
export function decodeLength(bytes: Buffer): { length: number; final: boolean } | undefined {
  const word = bytes.readUInt32BE(0)
  const final = word >= FINAL_BIT
  const length = final ? word - FINAL_BIT : word
  return length <= MAX_FRAME_BYTES ? { length, final } : undefined
}

// The counter is unique under the key, which is of this recording alone.
function nonceOf({ number }: FrameId): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeBigUInt64BE(BigInt(number), NONCE_BYTES - 8)
  return nonce
}
