import type { Command } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { ExecJob, type ExecOptions } from '../exec/exec-job.js'
import { Interrupts } from '../exec/interrupts.js'
import { Secrets } from '../terminal/secrets.js'
import type { Run } from '../verb.js'
import { parseDuration } from './option-values.js'
import { withTargetOptions } from './target-options.js'

export function addExec(program: Command, run: Run): void {
  const command = program
    .command('exec')
    .description('run a command on a host or in an open session, and exit as it did')
    .usage('[options] <target | [user@]host | session> -- <command…>')
    .argument(
      '<target>',
      'name of a target, or else [user@]host, for a session that lasts as long as the command; or id of a session',
    )
    .argument('[command...]', 'goes to the shell of the target as it is, its words joined by blanks')
    .option('--timeout <duration>', 'end the command after this long: 90s, 5m, 1h', parseDuration)
    .option('-n, --no-stdin', 'give the command nothing to read')
  withTargetOptions(command).action(run(exec))
}

async function exec(
  context: Context,
  [target, words]: [string, string[]],
  options: ExecOptions,
): Promise<number> {
  if (words.length === 0)
    throw usageError('there is no command', 'write it after --: krown exec host -- uptime')
  await using connection = await connect(context)
  using secrets = new Secrets(context.io, options)
  using interrupts = new Interrupts(() => void context.output.note('ending, once the host has answered'))
  return await new ExecJob({ context, connection, secrets, interrupts, options }).run(target, words.join(' '))
}
