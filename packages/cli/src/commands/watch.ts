import type { Command } from 'commander'
import type { Run } from '../verb.js'
import { attach } from './attach.js'

export function addWatch(program: Command, run: Run): void {
  program
    .command('watch')
    .description('look at a shell or command that runs, without typing; q or Ctrl-C ends')
    .argument('<channel>', 'id of the channel; or its session, target or host, when nothing else runs there')
    .action(run((context, args: [string]) => attach(context, args, { watch: true })))
}
