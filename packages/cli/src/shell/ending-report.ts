import type { Channel, CommandSummary } from '@krown/sdk'
import { EXIT, exitCodeOfCommand, exitCodeOfSignal } from '../exit-codes.js'
import type { Output } from '../output/output.js'
import type { Ending } from './sitting.js'

/** Says how it ended where the exit code does not, and what can be done now. @returns The exit code, as of ssh(1). */
export async function reportEnding(output: Output, channel: Channel, ending: Ending): Promise<number> {
  const { command, signal } = ending
  const text = command ? endOf(channel, command) : `left; ${howToComeBack(channel)}`
  if (text !== undefined) await output.note(text)
  if (command) return exitCodeOfCommand(command)
  return signal ? exitCodeOfSignal(signal) : EXIT.ok
}

/** For who went away, by a broken connection too. */
export function howToComeBack({ id, sessionId, kind }: Channel): string {
  const what = kind === 'shell' ? 'the shell' : 'the command'
  return `${what} runs on: "krown attach ${id}" comes back, "krown sessions close ${sessionId}" ends it`
}

function endOf({ kind }: Channel, command: CommandSummary): string | undefined {
  const what = kind === 'shell' ? 'the shell' : 'the command'
  const { status, signal, errorCode } = command
  if (status === 'completed') return signal === null ? undefined : `${what} was ended by SIG${signal}`
  if (status === 'interrupted') return `the connection to the target was lost (${errorCode})`
  const why = errorCode === null ? '' : ` (${errorCode})`
  if (status === 'cancelled') return `${what} was ended${why}`
  return status === 'timed_out' ? `${what} took too long and was ended` : `${what} did not run${why}`
}
