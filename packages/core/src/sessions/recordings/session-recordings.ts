import type { SessionId } from '../../model/ids.js'
import type { LiveRecording } from '../../recordings/live-recording.js'
import type { RecordingDesk } from '../../recordings/recording-desk.js'
import type { LiveCommand } from '../commands/live-command.js'
import type { LiveSession } from '../live-session.js'
import { CommandRecording } from './command-recording.js'

/**
 * What is recorded in the sessions of this process: a terminal has a recording of its own, everything else of a
 * session shares one.
 */
export class SessionRecordings {
  readonly #desk: RecordingDesk
  readonly #shared = new Map<SessionId, LiveRecording>()
  /** Those of sessions that were full or could not go on; commands may still run in them. */
  readonly #replaced = new Map<SessionId, Set<LiveRecording>>()

  constructor(desk: RecordingDesk) {
    this.#desk = desk
  }

  /** A command wants to run. @throws KrownError AUDIT_UNAVAILABLE when it could not be recorded. */
  async begin(session: LiveSession, command: LiveCommand): Promise<CommandRecording> {
    await this.#desk.requireRoom()
    const { recordsInput } = this.#desk
    if (!command.terminal) {
      const recording = this.#sharedOf(session)
      return new CommandRecording({ recording, command, recordsInput, ownsIt: false })
    }
    const { id: sessionId } = session
    const { userId, id: commandId, actor } = command
    const recording = this.#desk.begin(actor, { sessionId, userId, commandId, kind: 'terminal' })
    return new CommandRecording({ recording, command, recordsInput, ownsIt: true })
  }

  /** The session is over, and so is everything that ran in it. */
  async end(session: LiveSession): Promise<void> {
    const shared = this.#shared.get(session.id)
    const replaced = this.#replaced.get(session.id) ?? []
    this.#shared.delete(session.id)
    this.#replaced.delete(session.id)
    const recordings = [...replaced, ...(shared ? [shared] : [])]
    await Promise.all(recordings.map((recording) => recording.finish({ onlyIfStored: session.swept })))
  }

  #sharedOf(session: LiveSession): LiveRecording {
    const known = this.#shared.get(session.id)
    if (known && !known.recorder.isSpent) return known
    if (known) this.#replace(session, known)
    const { id: sessionId, userId, owner } = session
    const recording = this.#desk.begin(owner, { sessionId, userId, commandId: null, kind: 'session' })
    this.#shared.set(session.id, recording)
    return recording
  }

  // Commands that still run in it write to it; it is closed with the session, or now when none does.
  #replace(session: LiveSession, recording: LiveRecording): void {
    if (recording.recorder.openChannels === 0) return void recording.finish({ onlyIfStored: session.swept })
    const replaced = this.#replaced.get(session.id) ?? new Set()
    this.#replaced.set(session.id, replaced.add(recording))
  }
}
