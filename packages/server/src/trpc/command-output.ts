import { isUtf8 } from 'node:buffer'
import type { CommandOutputEvent, CommandSummary, OutputEncoding } from '@krown/core'

/** A piece of output as JSON carries it. */
export interface CommandOutputPiece {
  type: 'output'
  stream: 'stdout' | 'stderr'
  /** Position of the first byte, counted over both streams in the order of arrival. */
  offset: number
  /** Text cut between characters, or base64; `encoding` tells. */
  data: string
  encoding: OutputEncoding
}

/** What `commands.output` sends; the id of each event is the offset at which to go on after it. */
export type CommandOutputMessage =
  | CommandOutputPiece
  | { type: 'gap'; fromOffset: number; toOffset: number }
  | { type: 'finished'; command: CommandSummary }

/** A message and the offset after it. */
export type PlacedMessage = readonly [message: CommandOutputMessage, end: number]

type OutputEvent = Extract<CommandOutputEvent, { type: 'output' }>

/** Turns bytes into text where they are text, without breaking a character that two chunks share. */
export async function* toOutputMessages(
  events: AsyncIterable<CommandOutputEvent>,
): AsyncGenerator<PlacedMessage> {
  const pieces = new Pieces()
  for await (const event of events) {
    if (event.type === 'output') {
      yield* pieces.of(event)
      continue
    }
    yield* pieces.rest()
    yield [event, event.type === 'gap' ? event.toOffset : lengthOf(event.command)]
  }
  yield* pieces.rest()
}

/** Keeps the beginning of a character until the rest of it comes. */
class Pieces {
  #held: OutputEvent | undefined;

  *of(event: OutputEvent): Generator<PlacedMessage> {
    const joined = this.#held && join(this.#held, event)
    if (!joined) yield* this.rest()
    const [whole, held] = splitAtCharacter(joined ?? event)
    if (whole) yield toPiece(whole)
    this.#held = held
  }

  *rest(): Generator<PlacedMessage> {
    if (this.#held) yield toPiece(this.#held)
    this.#held = undefined
  }
}

function join(held: OutputEvent, next: OutputEvent): OutputEvent | undefined {
  const follows = held.stream === next.stream && held.offset + held.data.length === next.offset
  return follows ? { ...held, data: Buffer.concat([held.data, next.data]) } : undefined
}

/** The part that ends with a character, and the first bytes of one whose others are still to come. */
function splitAtCharacter(event: OutputEvent): [OutputEvent | undefined, OutputEvent | undefined] {
  const { data, offset } = event
  const cut = data.length - unfinishedBytes(data)
  if (cut === data.length || !isUtf8(data.subarray(0, cut))) return [event, undefined]
  const rest = { ...event, data: data.subarray(cut), offset: offset + cut }
  return cut === 0 ? [undefined, rest] : [{ ...event, data: data.subarray(0, cut) }, rest]
}

/** Bytes at the end that begin a UTF-8 sequence without finishing it, 0 to 3. */
function unfinishedBytes(data: Uint8Array): number {
  for (let count = 1; count <= Math.min(3, data.length); count += 1) {
    const byte = data[data.length - count] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    return sequenceLength(byte) > count ? count : 0
  }
  return 0
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  if (lead >= 0xe0) return 3
  return lead >= 0xc0 ? 2 : 1
}

function toPiece({ stream, offset, data }: OutputEvent): PlacedMessage {
  const encoding = isUtf8(data) ? 'utf8' : 'base64'
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return [{ type: 'output', stream, offset, data: bytes.toString(encoding), encoding }, offset + data.length]
}

function lengthOf({ stdoutBytes, stderrBytes }: CommandSummary): number {
  return stdoutBytes + stderrBytes
}
