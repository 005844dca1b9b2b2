import type { CommandId, CommandOutputEvent, OutputEncoding, OutputOptions } from '@krown/core/model'
import { notUnderstood } from '../errors/problem.js'
import { decodeData } from '../http/bytes.js'
import { isRecord } from '../sockets/frames.js'
import type { FeedSource } from './feed.js'

/** {@link CommandOutputEvent} as it travels. */
type WireOutput =
  | { type: 'output'; stream: 'stdout' | 'stderr'; offset: number; data: string; encoding: OutputEncoding }
  | Exclude<CommandOutputEvent, { type: 'output' }>

/** The output of one command, from `after` on. */
export function outputSource(
  commandId: CommandId,
  { after, ...rest }: Omit<OutputOptions, 'signal'>,
): FeedSource<WireOutput, CommandOutputEvent> {
  // As it was given, until something arrived: what is no offset is for the server to refuse.
  let position: number | undefined = after
  return {
    open: (trpc, observer) =>
      trpc.commands.output.subscribe({ ...rest, commandId, after: position }, observer),
    accept: (event) => {
      check(event)
      const fresh = beyond(position ?? 0, event)
      if (fresh?.type === 'output') position = fresh.offset + fresh.data.length
      if (fresh?.type === 'gap') position = fresh.toOffset
      return fresh ? [fresh] : []
    },
    sizeOf: (event) => (event.type === 'output' ? event.data.length : 0) + 64,
  }
}

/** @throws KrownClientError UNKNOWN when its parts are not what they are said to be. */
function check(event: WireOutput): void {
  const places = event.type === 'gap' ? [event.fromOffset, event.toOffset] : []
  if (event.type === 'output') places.push(event.offset)
  const isData = event.type !== 'output' || typeof event.data === 'string'
  const isEnd = event.type !== 'finished' || isRecord(event.command)
  const isKind = typeof event.type === 'string'
  if (!(isKind && isData && isEnd && places.every(Number.isSafeInteger))) throw notUnderstood()
}

/** What of an event is new to whoever has all bytes before `position`. */
function beyond(position: number, event: WireOutput): CommandOutputEvent | undefined {
  if (event.type === 'output') {
    const { type, stream, offset } = event
    const data = decodeData(event.data, event.encoding)
    if (offset >= position) return { type, stream, offset, data }
    const seen = position - offset
    return seen < data.length ? { type, stream, offset: position, data: data.subarray(seen) } : undefined
  }
  if (event.type === 'gap') {
    const { type, fromOffset, toOffset } = event
    return toOffset > position ? { type, fromOffset: Math.max(fromOffset, position), toOffset } : undefined
  }
  // A newer server may say more than this SDK knows.
  return event.type === 'finished' ? { type: event.type, command: event.command } : undefined
}
