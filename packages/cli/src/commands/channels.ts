import type { Command } from 'commander'
import { type Context, connect } from '../context.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { listChannels, type SessionChannel, whatRuns } from '../shell/find-channel.js'
import type { Run } from '../verb.js'

export function addChannels(program: Command, run: Run): void {
  const channels = program.command('channels').description('shells and commands that run in sessions')
  channels
    .command('ls')
    .description('list what runs now, by session')
    .argument('[session]', 'only in this session, or in those to this target or host')
    .action(run(list))
}

async function list(context: Context, [text]: [string | undefined]): Promise<undefined> {
  await using connection = await connect(context)
  const found = await listChannels(connection.client, text)
  if (context.output.json)
    return context.output.result(
      { items: found.map(({ channel }) => channel) },
      () => '',
    ) as Promise<undefined>
  await context.output.table({ items: found }, COLUMNS)
}

const COLUMNS: readonly Column<SessionChannel>[] = [
  { title: 'ID', text: ({ channel }) => channel.id },
  { title: 'TARGET', text: ({ session }) => session.targetName ?? session.host },
  { title: 'WHO', text: (row) => nameOf(row, row.channel.userId) },
  { title: 'KEYBOARD', text: (row) => nameOf(row, row.channel.keyboard) },
  { title: 'ATTACHED', text: ({ channel }) => String(channel.attached.length) },
  {
    title: 'SIZE',
    text: ({ channel: { terminal } }) => (terminal ? `${terminal.columns}x${terminal.rows}` : '-'),
  },
  { title: 'STARTED', text: ({ channel }) => formatTime(channel.startedAt) },
  { title: 'WHAT', text: ({ channel }) => whatRuns(channel), flexible: true },
]

/** Of other people only the id is told. */
function nameOf({ session }: SessionChannel, userId: string | null): string {
  if (userId === null) return '-'
  return userId === session.userId ? session.ownerName : userId
}
