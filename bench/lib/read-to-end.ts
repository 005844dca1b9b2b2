import type { OutputChunk } from '@krown/sdk'

/**
 * Reads all that a command prints.
 *
 * @returns How many bytes that were.
 * @throws Error when a chunk does not begin where the last one ended.
 */
export async function readToEnd(chunks: AsyncIterable<OutputChunk>): Promise<number> {
  let bytes = 0
  for await (const { offset, data } of chunks) {
    if (offset !== bytes) throw new Error(`output goes on at ${offset} after ${bytes} bytes`)
    bytes += data.length
  }
  return bytes
}
