import type { ServerChannel } from 'ssh2'
import type { HostileConnection } from './hostile-connection.js'

export interface ExecContext {
  connection: HostileConnection
  /** Variables the client asked to set. */
  env: Record<string, string>
  /** Set when the client asked for a PTY. */
  pty?: { term: string; columns: number; rows: number }
  /** Runs the built-in command of the same name. */
  runDefault(): void
  /** Signal requests on this channel, `TERM` without SIG. */
  onSignal(listener: (name: string) => void): void
}

export type ExecHandler = (command: string, channel: ServerChannel, context: ExecContext) => void
export type ShellHandler = (channel: ServerChannel, context: ExecContext) => void
