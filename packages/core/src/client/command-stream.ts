import { KrownError, validationError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { CommandStream, OutputChunk } from '../model/krown-client.js'
import type { CommandService, StreamedCommand } from '../sessions/commands/command-service.js'
import { readToEnd } from '../sessions/output/command-output.js'

/** A streamed command as its starter holds it. */
export function toCommandStream(
  commands: CommandService,
  actor: Actor,
  { command, reader }: StreamedCommand,
): CommandStream {
  const { id } = command
  return {
    commandId: id,
    result: command.done.then(() => command.toSummary()),
    write: async (data) => commands.write(actor, id, toBytes(data)),
    closeStdin: () => commands.closeStdin(actor, id),
    cancel: () => commands.cancel(actor, id),
    [Symbol.asyncIterator]: () => chunksOf(readToEnd(command, reader)),
  }
}

/** @throws KrownError VALIDATION_FAILED for what is neither text nor bytes. */
export function toBytes(data: string | Uint8Array): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  if (data instanceof Uint8Array) return data
  throw validationError([{ path: 'data', message: 'must be text or bytes' }])
}

/** Chunks alone; a driver has no gaps unless it came back to a command it had left. */
async function* chunksOf(events: ReturnType<typeof readToEnd>): AsyncGenerator<OutputChunk> {
  for await (const event of events) {
    if (event.type === 'output') yield { stream: event.stream, data: event.data, offset: event.offset }
    if (event.type === 'gap') {
      throw new KrownError('READER_TOO_SLOW', 'output before this point is no longer held', {
        details: { fromOffset: event.fromOffset, toOffset: event.toOffset },
      })
    }
  }
}
