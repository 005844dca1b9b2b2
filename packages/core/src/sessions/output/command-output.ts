import type { AskedAgain } from '../../auth/gate/asked-again.js'
import type { LoggedCommand } from '../../db/repositories/command.repository.js'
import type { Actor } from '../../model/actor.js'
import type { CommandOutputEvent } from '../../model/command.js'
import type { OutputOptions } from '../../model/krown-client.js'
import type { LiveCommand } from '../commands/live-command.js'
import { requireEnded } from '../commands/logged-command.js'
import type { OutputCarrier } from './output-carrier.js'
import type { OutputReader } from './output-hub.js'

/** How the output of a command is read in process. */
export interface CarriedOutputOptions extends OutputOptions {
  /** For who passes it on over something that may break; default: reading it is having it. */
  carrier?: OutputCarrier | undefined
}

/** Reads as the driver, who started the command, or as a watcher. */
export function readAs(
  actor: Actor,
  command: LiveCommand,
  { after = 0, signal, carrier }: CarriedOutputOptions,
): AsyncGenerator<CommandOutputEvent> {
  const isDriver = command.request.driven && command.userId === actor.userId
  const reader = command.hub.openReader(after, isDriver ? 'driver' : 'watcher', carrier)
  return readToEnd(command, reader, signal)
}

/** Reads until the command ended, then says how. */
export async function* readToEnd(
  command: LiveCommand,
  reader: OutputReader,
  signal?: AbortSignal,
): AsyncGenerator<CommandOutputEvent> {
  try {
    for (let event = await reader.next({ signal }); event; event = await reader.next({ signal })) yield event
    await command.done
    yield { type: 'finished', command: command.toSummary() }
  } finally {
    reader.close()
  }
}

/** Rights may end while somebody reads: they are asked for again before a byte goes out. */
export async function* whileAllowed(
  rights: AskedAgain<unknown>,
  events: AsyncGenerator<CommandOutputEvent>,
): AsyncGenerator<CommandOutputEvent> {
  for await (const event of events) {
    if (!rights.fresh) await rights.again()
    yield event
  }
}

/** Of a command of which only the row is left. */
export function* lostOutput(logged: LoggedCommand, after: number): Generator<CommandOutputEvent> {
  const total = logged.stdoutBytes + logged.stderrBytes
  if (total > after) yield { type: 'gap', fromOffset: after, toOffset: total }
  yield { type: 'finished', command: requireEnded(logged) }
}
