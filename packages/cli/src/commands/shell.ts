import { type Command, InvalidArgumentError } from 'commander'
import { type Context, connect } from '../context.js'
import { ExecJob } from '../exec/exec-job.js'
import { Interrupts } from '../exec/interrupts.js'
import { ShellJob, type ShellOptions } from '../shell/shell-job.js'
import { Secrets } from '../terminal/secrets.js'
import type { Run } from '../verb.js'
import { withTargetOptions } from './target-options.js'

/** Understood by every shell that somebody may have there; sshd sets the variable. */
const LOGIN_SHELL = 'exec $SHELL -l'

export function addShell(program: Command, run: Run): void {
  const command = program
    .command('shell')
    .description('open a shell on a host or in an open session, as ssh does')
    .argument(
      '<target>',
      'name of a target, or else [user@]host, for a session that ends with the shell; or id of a session',
    )
    .option('-t, --tty', 'a terminal on the other side even when standard input is none')
    .option('--term <name>', 'kind of terminal; default: TERM')
  withEscapeOption(withTargetOptions(command)).action(run(shell))
}

export function withEscapeOption(command: Command): Command {
  return command.option(
    '-e, --escape <character>',
    'begins an escape at the beginning of a line, or none; ~? explains',
    parseEscape,
    '~',
  )
}

async function shell(context: Context, [target]: [string], options: ShellOptions): Promise<number> {
  const hasTerminal = context.io.stdin.isTTY || options.tty
  using secrets = new Secrets(context.io, options)
  using interrupts = new Interrupts(() => void context.output.note('ending, once the host has answered'))
  if (hasTerminal) {
    // Who looks at a terminal is told of a lost connection: coming back is not left to the client.
    await using connection = await connect(context, { reconnectForMs: 0 })
    return await new ShellJob({ context, connection, secrets, interrupts, options }).run(target)
  }
  await using connection = await connect(context)
  const piped = { ...options, stdin: true }
  const job = new ExecJob({ context, connection, secrets, interrupts, options: piped })
  return await job.run(target, LOGIN_SHELL)
}

function parseEscape(text: string): string | undefined {
  if (text === 'none') return undefined
  if (!/^[!-~]$/.test(text)) throw new InvalidArgumentError('Write one character that is no blank, or none.')
  return text
}
