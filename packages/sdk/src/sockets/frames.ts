import { jsonEncoder, type WebSocketClientOptions } from '@trpc/client'

type Encoder = NonNullable<WebSocketClientOptions['experimental_encoder']>

/** To tRPC it says nothing. */
const NOTHING = { id: null, method: 'nothing' }

/**
 * JSON in text frames. What tRPC could not read it would let end the process: a frame that is none of its messages is
 * told of instead, and taken for nothing.
 */
export function createFrameEncoder(onOdd: () => void): Encoder {
  return {
    encode: (message) => jsonEncoder.encode(message),
    decode: (frame) => {
      const message = parse(frame)
      if (isMessage(message)) return message
      onOdd()
      return NOTHING
    },
  }
}

/** An object, and no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(frame: unknown): unknown {
  if (typeof frame !== 'string') return undefined
  try {
    return JSON.parse(frame)
  } catch {
    return undefined
  }
}

function isMessage(message: unknown): boolean {
  if (!isRecord(message)) return false
  if ('method' in message) return typeof message.method === 'string'
  const { id, result, error } = message
  // Ids are this client's own numbers.
  if (typeof id !== 'number' && id !== null) return false
  return 'error' in message ? isError(error) : isRecord(result) && isEventId(result.id)
}

function isError(error: unknown): boolean {
  return isRecord(error) && typeof error.code === 'number' && typeof error.message === 'string'
}

function isEventId(id: unknown): boolean {
  return id === undefined || typeof id === 'string' || typeof id === 'number'
}
