import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { createAdmin } from './commands/admin-create.js'
import { grantInstance } from './commands/admin-grant-instance.js'
import { resetAdmin } from './commands/admin-reset.js'
import { checkConfig } from './commands/config-check.js'
import { explainError } from './commands/explain-error.js'
import { init } from './commands/init.js'
import type { Io } from './commands/io.js'
import { forgetKey } from './commands/keys-forget.js'
import { listKeys } from './commands/keys-ls.js'
import { rotateKeys } from './commands/keys-rotate.js'
import { migrate } from './commands/migrate.js'
import { start } from './commands/start.js'
import { createToken } from './commands/token-create.js'

const WRONG_USAGE = 2

/**
 * Runs one command.
 *
 * @param argv As in `process.argv`.
 * @returns The exit code: 0 done, 1 failed, 2 not understood.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0
  const program = createProgram(io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(argv)
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
    io.stderr.write(explainError(error))
    return 1
  }
}

type Verb<Options> = (options: Options, io: Io) => Promise<number>
type Run = <Options>(verb: Verb<Options>) => (options: Options) => Promise<void>

function createProgram(io: Io, finish: (exitCode: number) => void): Command {
  const run: Run = (verb) => async (options) => finish(await verb(options, io))
  const program = new Command('krown-server')
    .description('Krown, an SSH session gateway: its server.')
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showSuggestionAfterError()
  program
    .command('start')
    .description('run the server until it is told to stop (SIGTERM, SIGINT)')
    .option('--config <file>', 'configuration file; without one there are the environment and the defaults')
    .action(run(start))
  program
    .command('init')
    .description('write a commented configuration, secrets and a systemd unit')
    .option('--dir <directory>', 'where to', '.')
    .action(run(init))
  program
    .command('migrate')
    .description('bring the database up to date')
    .option('--config <file>', 'configuration file')
    .action(run(migrate))
  addConfig(program, run)
  addAdmin(program, run)
  addToken(program, run)
  addKeys(program, run)
  return program
}

function addConfig(program: Command, run: Run): void {
  program
    .command('config')
    .description('the configuration')
    .command('check')
    .description('print the configuration as it is in effect, secrets masked, or everything wrong with it')
    .option('--config <file>', 'configuration file')
    .action(run(checkConfig))
}

function addAdmin(program: Command, run: Run): void {
  const admin = program
    .command('admin')
    .description('administrators, from the machine itself; the server may run')
  const withAccount = (command: Command) =>
    command
      .requiredOption('--username <name>', 'user name')
      .option('--password-stdin', 'read the password from standard input; else one is made and printed once')
      .option('--config <file>', 'configuration file')
  withAccount(admin.command('create').description('make the first administrator'))
    .option('--email <address>', 'e-mail address')
    .action(run(createAdmin))
  withAccount(admin.command('reset').description("set a user's password, sign it out and enable it")).action(
    run(resetAdmin),
  )
  admin
    .command('grant-instance')
    .description('make an administrator one of the instance too, who sets audit scopes')
    .requiredOption('--username <name>', 'user name')
    .option('--config <file>', 'configuration file')
    .action(run(grantInstance))
}

function addToken(program: Command, run: Run): void {
  const collect = (scope: string, scopes: string[] = []) => [...scopes, scope]
  program
    .command('token')
    .description('API tokens, from the machine itself; the server may run')
    .command('create')
    .description('make an API token of a user; prints it on standard output, and nothing else there')
    .requiredOption('--user <name>', 'whose it is to be')
    .requiredOption('--name <text>', 'what it is for')
    .option(
      '--scope <permission>',
      'limit it to this; may be repeated; without one it has every scope',
      collect,
    )
    .option('--expires <when>', 'a time such as 30d or 12h from now, or a date, or never; default 90d')
    .option('--config <file>', 'configuration file')
    .action(run(createToken))
}

function addKeys(program: Command, run: Run): void {
  const keys = program
    .command('keys')
    .description('the master keys that encrypt stored secrets; the server may run')
  keys
    .command('ls')
    .description('list the master keys: which is in use, which is given, and how many secrets need it')
    .option('--config <file>', 'configuration file')
    .action(run(listKeys))
  keys
    .command('rotate')
    .description('encrypt every stored secret with vault.master_key; may be interrupted and run again')
    .option('--config <file>', 'configuration file')
    .action(run(rotateKeys))
  keys
    .command('forget')
    .description('delete the credentials that only a lost master key could decrypt')
    .requiredOption('--key <id>', 'the lost key, as in the message that it is needed')
    .option('--config <file>', 'configuration file')
    .action(run(forgetKey))
}
