import type { Command } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { isCode } from '../output/explain-error.js'
import { howToComeBack, reportEnding } from '../shell/ending-report.js'
import { findChannel } from '../shell/find-channel.js'
import { sitDown } from '../shell/sit-down.js'
import type { Run } from '../verb.js'
import { withEscapeOption } from './shell.js'

interface AttachOptions {
  readonly takeOver?: boolean
  readonly watch?: boolean
  readonly escape?: string | undefined
}

export function addAttach(program: Command, run: Run): void {
  const command = program
    .command('attach')
    .description('go on in a shell or command that runs; you watch while somebody else has its keyboard')
    .argument('<channel>', 'id of the channel; or its session, target or host, when nothing else runs there')
    .option('--take-over', 'take the keyboard; who had it watches from then on')
    .option('--watch', 'only look, as "krown watch"')
  withEscapeOption(command).action(run(attach))
}

export async function attach(
  context: Context,
  [text]: [string],
  { takeOver = false, watch = false, escape: escapeCharacter }: AttachOptions,
): Promise<number> {
  if (takeOver && watch) throw usageError('who watches takes no keyboard', 'leave --watch or --take-over out')
  await using connection = await connect(context, { reconnectForMs: 0 })
  const { client } = connection
  const channel = await findChannel(client, text)
  const ending = await sitDown({ context, client }, channel.id, {
    watches: watch,
    takeOver,
    input: context.io.stdin,
    escapeCharacter,
  }).catch(async (error) => {
    if (isCode(error, 'CONNECTION_LOST')) await context.output.note(howToComeBack(channel))
    throw error
  })
  return await reportEnding(context.output, channel, ending)
}
