import type { AttachOptions, Channel, ChannelHandle, ChannelSignal, OpenShellInput } from './channel.js'
import type { CommandSummary } from './command.js'
import type { ChannelId, SessionId } from './ids.js'
import type { TerminalSize } from './terminal.js'

/** What runs in sessions, for who is at a terminal. */
export interface ChannelsApi {
  /**
   * Opens a shell and answers when it runs; the caller holds its keyboard.
   *
   * @throws KrownError as `sessions.execute`.
   */
  openShell(input: OpenShellInput): Promise<Channel>
  /** Those of one session that are open, oldest first. */
  list(sessionId: SessionId): Promise<Channel[]>
  /** @throws KrownError `NOT_FOUND` also when it has ended: `commands.get` knows it still. */
  get(id: ChannelId): Promise<Channel>
  /** @throws KrownError `CONFLICT` for an offset that is not there yet. */
  attach(id: ChannelId, options?: AttachOptions): Promise<ChannelHandle>
  /** For who is not attached and holds the keyboard. @throws KrownError `CONFLICT` when somebody else does. */
  write(id: ChannelId, data: string | Uint8Array): Promise<void>
  resize(id: ChannelId, size: TerminalSize): Promise<void>
  signal(id: ChannelId, signal: ChannelSignal): Promise<void>
  /** Takes the keyboard; who had it watches from then on. */
  takeOver(id: ChannelId): Promise<Channel>
  /** Ends what runs in it and answers how it ended. Closing twice is fine. */
  close(id: ChannelId): Promise<CommandSummary>
}
