import type { LoggedCommand } from '../../db/repositories/command.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { Command } from '../../model/command.js'

/** A command of which only the row is left: its output is kept for ten minutes after it ended. */
export function withoutOutput({ requestDigest: _, ...summary }: LoggedCommand): Command {
  return { ...summary, stdout: null, stderr: null, stdoutEncoding: 'utf8', stderrEncoding: 'utf8' }
}

/** @throws KrownError UNAVAILABLE while it runs: not in this process, which has only the row. */
export function requireEnded(logged: LoggedCommand): Command {
  if (logged.status === 'running') {
    throw new KrownError('UNAVAILABLE', 'the command runs in another Krown process', { retryAfterMs: 1_000 })
  }
  return withoutOutput(logged)
}
