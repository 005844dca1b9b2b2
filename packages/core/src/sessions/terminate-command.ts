import type { Clock } from '../base/clock.js'
import { defer } from '../base/deferred.js'
import type { ChannelEnd, SshChannel } from '../ssh/connector.js'
import { killScript } from './kill-script.js'
import type { LiveCommand } from './live-command.js'
import type { LiveSession } from './live-session.js'

export interface Termination {
  readonly clock: Clock
  readonly session: LiveSession
  readonly command: LiveCommand
  readonly channel: SshChannel
  /** The process itself is about to end. */
  readonly hurried: boolean
}

/** How long each step may take, milliseconds. */
const PATIENT = { signal: 1_000, term: 2_000, kill: 2_000, script: 3_000 }
const HURRIED = { signal: 300, term: 700, kill: 1_000, script: 1_000 }

/**
 * TERM, then KILL, then close. Resolves when the target reported the end, or when there is nothing left to try.
 *
 * OpenSSH ignores signal requests for root logins, and other servers know none: then the process group is
 * signalled by a second exec on the same connection.
 */
export async function terminate(termination: Termination): Promise<void> {
  const { channel } = termination
  const grace = termination.hurried ? HURRIED : PATIENT
  channel.signal('TERM')
  if (await endsWithin(termination, grace.signal)) return
  await signalGroup(termination, 'TERM', grace.script)
  if (await endsWithin(termination, grace.term)) return
  channel.signal('KILL')
  await signalGroup(termination, 'KILL', grace.script)
  if (await endsWithin(termination, grace.kill)) return
  channel.close()
}

async function endsWithin({ clock, command }: Termination, ms: number): Promise<boolean> {
  const { promise: timeIsUp, resolve } = defer<void>()
  const cancel = clock.setTimer(ms, resolve)
  await Promise.race([command.ended, timeIsUp])
  cancel()
  return command.hasEnded
}

/** Best effort: a target without a POSIX shell, or one that refuses the channel, leaves the end unconfirmed. */
async function signalGroup(
  { clock, session, command }: Termination,
  signal: 'TERM' | 'KILL',
  limitMs: number,
): Promise<void> {
  const position = session.running.indexOf(command) + 1
  if (position === 0 || command.hasEnded) return
  const script = killScript({ expected: session.running.length, position, signal })
  const finished = defer<void>()
  const cancel = clock.setTimer(limitMs, finished.resolve)
  const sink = { data: () => {}, end: (_end: ChannelEnd) => finished.resolve() }
  try {
    const helper = await session.connection.exec(script, sink)
    helper.endInput()
    await finished.promise
    helper.close()
  } catch {
    // Nothing was signalled.
  } finally {
    cancel()
  }
}
