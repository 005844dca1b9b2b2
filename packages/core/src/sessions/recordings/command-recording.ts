import type { UnitQuery } from '../../journal/unit-query.js'
import type { RecordingId } from '../../model/ids.js'
import type { TerminalSize } from '../../model/terminal.js'
import type { LiveRecording } from '../../recordings/live-recording.js'
import type { ChannelListener, RecordedChannel } from '../../recordings/recorded-channel.js'
import type { ChannelEnd, SshChannel } from '../../ssh/connector.js'
import type { LiveCommand } from '../commands/live-command.js'
import type { Faucet } from '../output/output-hub.js'

interface CommandRecordingParts {
  readonly recording: LiveRecording
  readonly command: LiveCommand
  readonly recordsInput: boolean
  /** It ends with the command. */
  readonly ownsIt: boolean
}

/** The recording of one command, from its intent to its end. */
export class CommandRecording {
  /** Where the command begins in it, milliseconds. */
  readonly offsetMs: number
  readonly #parts: CommandRecordingParts
  #channel: RecordedChannel | undefined

  constructor(parts: CommandRecordingParts) {
    this.#parts = parts
    this.offsetMs = parts.recording.recorder.elapsedMs
  }

  get id(): RecordingId {
    return this.#parts.recording.id
  }

  /** See {@link LiveRecording.store}. */
  store(write: (queries: readonly UnitQuery[]) => Promise<void>): Promise<void> {
    return this.#parts.recording.store(write)
  }

  /** Before anything is sent. @throws KrownError AUDIT_UNAVAILABLE when the file cannot be made. */
  open(): Promise<void> {
    return this.#parts.recording.recorder.open()
  }

  /** The target runs it now. @returns What its readers may hold back. */
  connect(channel: SshChannel, listener: ChannelListener): Faucet {
    const { recording, command } = this.#parts
    const { request, terminal, startedAt } = command
    const start = {
      commandId: command.id,
      kind: request.kind,
      command: request.command,
      terminal,
      at: new Date(startedAt).toISOString(),
    }
    this.#channel = recording.recorder.openChannel(start, listener)
    this.#channel.connect(channel)
    return this.#channel
  }

  receive(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#channel?.receive(stream, chunk)
  }

  typed(data: Uint8Array): void {
    if (this.#parts.recordsInput) this.#channel?.typed(data)
  }

  resized(size: TerminalSize): void {
    this.#channel?.resized(size)
  }

  /** @param then Called once everything that came before was written and shown. */
  end({ exitCode, signal }: ChannelEnd, at: number, then: () => void): void {
    if (this.#channel) this.#channel.end({ exitCode, signal, at: new Date(at).toISOString() }, then)
    else then()
  }

  /** The command is over, in whatever way. Resolves when its own recording is closed. */
  async leave({ onlyIfStored }: { onlyIfStored: boolean }): Promise<void> {
    this.#channel?.abandon()
    if (this.#parts.ownsIt) await this.#parts.recording.finish({ onlyIfStored })
  }
}
