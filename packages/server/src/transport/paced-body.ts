import { PassThrough, type Readable } from 'node:stream'
import { type Clock, KrownError } from '@krown/core'

/** How much of a body is to come in each span of time, until it ends. */
export interface BodyPace {
  readonly minBytes: number
  readonly everyMs: number
  readonly clock: Clock
}

/**
 * The same bytes, as long as they come fast enough; the stream that it returns fails otherwise.
 *
 * @param onSlow Called right before it fails.
 */
export function paced(body: Readable, { minBytes, everyMs, clock }: BodyPace, onSlow: () => void): Readable {
  const through = new PassThrough()
  let bytes = 0
  let cancel = () => {}
  const watch = () => {
    bytes = 0
    cancel = clock.setTimer(everyMs, () => (bytes < minBytes ? giveUp() : watch()))
  }
  const giveUp = () => {
    onSlow()
    through.destroy(new KrownError('VALIDATION_FAILED', 'the request body comes too slowly'))
  }
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  body.once('error', (error) => through.destroy(error))
  body.once('end', () => cancel())
  through.once('close', () => cancel())
  watch()
  return body.pipe(through)
}
