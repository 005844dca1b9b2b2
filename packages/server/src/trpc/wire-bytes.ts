import { type OutputEncoding, validationError } from '@krown/core'
import { z } from 'zod'

/** Bytes in JSON: text as it is, anything else in base64. */
export const bytesShape = {
  data: z.string(),
  encoding: z.enum(['utf8', 'base64']).optional(),
}

/** @throws KrownError VALIDATION_FAILED for what is not the base64 that it says it is. */
export function toBytes({ data, encoding }: { data: string; encoding?: OutputEncoding | undefined }): Buffer {
  if (encoding !== 'base64') return Buffer.from(data, 'utf8')
  const bytes = Buffer.from(data, 'base64')
  // Node skips what is not base64; sending something else than was meant would be worse than refusing.
  if (bytes.toString('base64').replace(/=+$/, '') === data.replace(/=+$/, '')) return bytes
  throw validationError([{ path: 'data', message: 'must be base64, as encoding says' }])
}
