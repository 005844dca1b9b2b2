import type { Clock } from '../../base/clock.js'
import { type Deadline, raceSignal } from '../../base/deadline.js'
import type { StopSignal } from '../../base/stop-signal.js'
import type { SshChannel } from '../../ssh/connector.js'
import type { LiveSession } from '../live-session.js'
import type { LiveCommand } from './live-command.js'

export interface Termination {
  readonly clock: Clock
  readonly session: LiveSession
  readonly command: LiveCommand
  readonly channel: SshChannel
  /** Aborts when the process itself is about to end: then every step is short. */
  readonly hurry: StopSignal
}

/** How long each step may take, milliseconds. */
const PATIENT = { signal: 1_000, script: 3_000, term: 2_000, kill: 2_000 }
const HURRIED = { signal: 300, script: 1_000, term: 700, kill: 1_000 }

/**
 * TERM (of a terminal: HUP, which shells obey), then KILL, then close. Resolves when the target reported the end, or when there is nothing left to try.
 *
 * OpenSSH ignores signal requests for root logins, and other servers know none: then the process group is
 * signalled by a second exec on the same connection.
 */
export async function terminate(termination: Termination): Promise<void> {
  const { channel, command } = termination
  channel.signal(command.request.terminal ? 'HUP' : 'TERM')
  if (await endsIn(termination, 'signal')) return
  // The end comes after the output: a reader who holds that back would hold the end back too.
  command.hub.release()
  await signalGroup(termination, 'TERM')
  if (await endsIn(termination, 'term')) return
  channel.signal('KILL')
  await signalGroup(termination, 'KILL')
  if (await endsIn(termination, 'kill')) return
  channel.close()
}

async function endsIn(termination: Termination, step: keyof typeof PATIENT): Promise<boolean> {
  const { command } = termination
  using grace = startGrace(termination, step)
  await raceSignal(command.ended, grace.signal).catch(() => {})
  return command.hasEnded
}

/** Best effort: a target without a POSIX shell, or one that refuses the channel, leaves the end unconfirmed. */
async function signalGroup(termination: Termination, signal: 'TERM' | 'KILL'): Promise<void> {
  const { session, command } = termination
  using grace = startGrace(termination, 'script')
  try {
    await session.groups.signal(command, signal, grace.signal)
  } catch {
    // Nothing was signalled.
  }
}

/** Aborts when the step has had its time. */
function startGrace({ clock, hurry }: Termination, step: keyof typeof PATIENT): Deadline {
  const controller = new AbortController()
  const timeIsUp = () => controller.abort(new Error('time is up'))
  const cancels = [clock.setTimer(PATIENT[step], timeIsUp)]
  const shorten = () => void cancels.push(clock.setTimer(HURRIED[step], timeIsUp))
  if (hurry.aborted) shorten()
  else hurry.addEventListener('abort', shorten, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const cancel of cancels) cancel()
      hurry.removeEventListener('abort', shorten)
    },
  }
}
