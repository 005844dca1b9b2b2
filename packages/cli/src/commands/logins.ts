import type { LoginId, OwnLogin } from '@krown/sdk'
import type { Command } from 'commander'
import { type Context, connect } from '../context.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'

export function addLogins(program: Command, run: Run): void {
  const logins = program.command('logins').description('where you are signed in')
  withListOptions(logins.command('ls').description('list your logins')).action(run(list))
  logins.command('end').description('sign out somewhere else').argument('<login>', 'id').action(run(end))
}

async function list(context: Context, _: [], options: ListOptions): Promise<undefined> {
  await using connection = await connect(context)
  const page = await collectPages((query) => connection.client.logins.list(query), options)
  await printPage(context, page, COLUMNS)
}

async function end(context: Context, [id]: [LoginId]): Promise<undefined> {
  await using connection = await connect(context)
  await connection.client.logins.end(id)
  await context.output.result({ id }, () => `${id} is signed out`)
}

const COLUMNS: readonly Column<OwnLogin>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'HERE', text: ({ current }) => (current ? 'yes' : '') },
  { title: 'SINCE', text: ({ createdAt }) => formatTime(createdAt) },
  { title: 'LAST USED', text: ({ lastUsedAt }) => formatTime(lastUsedAt) },
  { title: 'FROM', text: ({ clientIp }) => clientIp ?? '-' },
  { title: 'PROGRAM', text: ({ userAgent }) => userAgent ?? '-', flexible: true },
]
