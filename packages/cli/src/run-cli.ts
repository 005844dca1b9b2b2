import { Writable } from 'node:stream'
import { type Command, CommanderError } from 'commander'
import { createContext, type GlobalOptions } from './context.js'
import { EXIT } from './exit-codes.js'
import type { Io } from './io.js'
import { explainError } from './output/explain-error.js'
import { createProgram } from './program.js'
import type { Run } from './verb.js'

const EXITS_AS_WHAT_RAN = new Set(['exec', 'shell', 'attach'])

interface Outcome {
  exitCode: number
  /** The command that was asked for. */
  name: string
  options: GlobalOptions
}

/**
 * Runs one command.
 *
 * @param argv As in `process.argv`.
 * @returns The exit code; see `exit-codes.ts`.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const outcome: Outcome = { exitCode: EXIT.ok, name: '', options: { json: asksForJson(argv) } }
  // What Commander has to say is said as JSON where that is wanted.
  const told = outcome.options.json ? { ...io, stderr: nowhere() } : io
  try {
    const program = createProgram(told, createRun(io, outcome)).hook('preSubcommand', (_, command) => {
      outcome.name = command.name()
    })
    await program.parseAsync(argv)
    return outcome.exitCode
  } catch (error) {
    return outcomeOf(error, io, outcome)
  }
}

function createRun(io: Io, outcome: Outcome): Run {
  return (verb) =>
    async (...received) => {
      const command = received.pop() as Command
      const options = received.pop()
      outcome.options = command.optsWithGlobals()
      const context = createContext(io, outcome.options)
      outcome.exitCode = (await verb(context, received as never, options as never)) ?? EXIT.ok
    }
}

async function outcomeOf(error: unknown, io: Io, { name, options }: Outcome): Promise<number> {
  // Who runs commands elsewhere must be able to tell their exit codes from ours.
  const isRemote = EXITS_AS_WHAT_RAN.has(name)
  const ofExec = (exitCode: number) => (isRemote && exitCode < 128 ? EXIT.execFailed : exitCode)
  const { output } = createContext(io, options)
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok
    if (options.json) await output.error([], usageJson(error)).catch(() => undefined)
    return ofExec(EXIT.usage)
  }
  const { exitCode, lines, json } = explainError(error, { tokenFromEnvironment: Boolean(io.env.KROWN_TOKEN) })
  if (lines.length > 0) await output.error(lines, json).catch(() => undefined)
  return ofExec(exitCode)
}

function usageJson({ code, message }: CommanderError): object {
  const what = code === 'commander.help' ? 'there is no command' : message.replace(/^error: /, '')
  return { code: 'USAGE', message: what, hint: 'see --help' }
}

/** What is behind `--` is for the target. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? argv.length : end).includes('--json')
}

function nowhere(): Io['stderr'] {
  return new Writable({ write: (_chunk, _encoding, done) => done() }) as Io['stderr']
}
