import { toTrpcError } from '../errors/error-mapping.js'
import type { CallSocket } from './context.js'

interface Pacing {
  readonly socket: Pick<CallSocket, 'ready'>
  readonly signal: AbortSignal | undefined
  readonly giveBack: () => void
}

/**
 * The same events, each asked for only when the socket has room for it. What is thrown on the way does not pass the
 * middleware that translates errors, so it is translated here.
 */
export async function* pace<Event>(
  events: AsyncIterable<Event>,
  { socket, signal, giveBack }: Pacing,
): AsyncGenerator<Event> {
  try {
    for await (const event of events) {
      yield event
      await socket.ready()
    }
  } catch (error) {
    // Whoever stopped it knows why it ended.
    if (!signal?.aborted) throw toTrpcError(error)
  } finally {
    giveBack()
  }
}
