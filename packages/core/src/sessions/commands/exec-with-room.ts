import type { Clock } from '../../base/clock.js'
import { pause } from '../../base/pause.js'
import type { StopSignal } from '../../base/stop-signal.js'
import { isKrownError, type KrownError } from '../../errors/krown-error.js'
import type { SshChannel } from '../../ssh/connector.js'
import type { LiveSession } from '../live-session.js'

export interface ExecWithRoom {
  readonly clock: Clock
  readonly session: LiveSession
  /** Gives up waiting for room. */
  readonly signal: StopSignal
  exec(): Promise<SshChannel>
}

const RETRY_MS = 25

/**
 * Starts a command once the target has a channel for it. A target that allows fewer than Krown believed refuses;
 * nothing ran then, so the bound is lowered and the command waits for another to end.
 *
 * @returns `release` gives the place of the channel back; calling it twice is harmless.
 * @throws What `exec` failed with, and the reason of the signal.
 */
export async function execWithRoom(
  wanted: ExecWithRoom,
): Promise<{ channel: SshChannel; release: () => void }> {
  const { session, signal } = wanted
  for (let refusals = 1; ; refusals += 1) {
    const release = await session.channels.acquire(signal)
    try {
      return { channel: await wanted.exec(), release }
    } catch (error) {
      await makeRoom(wanted, { error, refusals }).finally(release)
    }
  }
}

/** @throws The refusal, when waiting for others cannot help. */
async function makeRoom(
  { clock, session, signal }: ExecWithRoom,
  { error, refusals }: { error: unknown; refusals: number },
): Promise<void> {
  const { channels } = session
  if (!hasNoRoom(error)) throw error
  const othersOpen = channels.held - 1
  // What has just ended may still count on the target; where others run, that is soon enough known.
  const patienceMs = othersOpen < 1 ? 1_000 : refusals % 3 === 0 ? 0 : 100
  if (session.channelEndedWithin(patienceMs)) return pause(clock, RETRY_MS, signal)
  if (othersOpen < 1) throw error
  channels.setLimit(Math.min(channels.limit, othersOpen))
}

/** The target opened no channel (RFC 4254 §5.1), rather than refusing the command. */
function hasNoRoom(error: unknown): error is KrownError {
  return (
    isKrownError(error) &&
    error.code === 'TARGET_CHANNEL_REFUSED' &&
    typeof error.details?.reason === 'number'
  )
}
