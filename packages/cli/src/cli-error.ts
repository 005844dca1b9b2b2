import { EXIT } from './exit-codes.js'

/** What this program itself has to say, with the exit code that goes with it. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number
  /** What to do next. */
  readonly hint: string | undefined

  constructor(message: string, exitCode: number, hint?: string) {
    super(message)
    this.exitCode = exitCode
    this.hint = hint
  }
}

export function usageError(message: string, hint?: string): CliError {
  return new CliError(message, EXIT.usage, hint)
}

/** Somebody pressed Ctrl-C at a question: nothing needs to be said about it. */
export function interrupted(): CliError {
  return new CliError('', EXIT.interrupted)
}

/** Whoever read the output went away: neither is there anybody to tell. */
export function pipeClosed(): CliError {
  return new CliError('', EXIT.pipeClosed)
}
