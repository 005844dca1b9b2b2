import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { addAccess } from './commands/access.js'
import { addCommands } from './commands/commands.js'
import { addCompletion } from './commands/completion.js'
import { addCredentials } from './commands/credentials.js'
import { addExec } from './commands/exec.js'
import { addHostKeys } from './commands/host-keys.js'
import { addInvites } from './commands/invites.js'
import { addJournal } from './commands/journal.js'
import { addLogin } from './commands/login.js'
import { addLogins } from './commands/logins.js'
import { addSessions } from './commands/sessions.js'
import { addTargets } from './commands/targets.js'
import { addTokens } from './commands/tokens.js'
import { addUsers } from './commands/users.js'
import { createContext, type GlobalOptions } from './context.js'
import { EXIT } from './exit-codes.js'
import type { Io } from './io.js'
import { explainError } from './output/explain-error.js'
import type { Run } from './verb.js'

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
  const outcome: Outcome = { exitCode: EXIT.ok, name: '', options: {} }
  try {
    await createProgram(io, outcome).parseAsync(argv)
    return outcome.exitCode
  } catch (error) {
    return outcomeOf(error, io, outcome)
  }
}

async function outcomeOf(error: unknown, io: Io, { name, options }: Outcome): Promise<number> {
  // Who runs commands elsewhere must be able to tell their exit codes from ours.
  const ofExec = (exitCode: number) => (name === 'exec' && exitCode < 128 ? EXIT.execFailed : exitCode)
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : ofExec(EXIT.usage)
  const { exitCode, lines, json } = explainError(error, { tokenFromEnvironment: Boolean(io.env.KROWN_TOKEN) })
  const { output } = createContext(io, options)
  if (lines.length > 0) await output.error(lines, json).catch(() => undefined)
  return ofExec(exitCode)
}

function createProgram(io: Io, outcome: Outcome): Command {
  const program = new Command('krown')
    .description('Sessions, commands and the journal of a Krown server, from a terminal.')
    .version(packageJson.version)
    .option('--url <url>', 'the server; also KROWN_URL; default: that of the last login')
    .option('--json', 'results as JSON: one document, or one line per item of a stream')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showSuggestionAfterError()
    .exitOverride()
    .hook('preSubcommand', (_, command) => {
      outcome.name = command.name()
    })
  const run = createRun(io, outcome)
  addLogin(program, run)
  addSessions(program, run)
  addExec(program, run)
  addCommands(program, run)
  addCredentials(program, run)
  addTargets(program, run)
  addHostKeys(program, run)
  addUsers(program, run)
  addTokens(program, run)
  addInvites(program, run)
  addLogins(program, run)
  addAccess(program, run)
  addJournal(program, run)
  addCompletion(program, run)
  return program
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
