import type { Invite, InviteId, Role } from '@krown/sdk'
import { type Command, Option } from 'commander'
import { type Context, connect } from '../context.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { parseMoment } from './option-values.js'

interface CreateOptions {
  readonly role?: Role
  readonly note?: string
  readonly expires?: string
}

export function addInvites(program: Command, run: Run): void {
  const invites = program.command('invites').description('the right to register, given to somebody')
  invites
    .command('create')
    .description('make an invite; it is shown this once')
    .addOption(
      new Option('--role <role>', 'what they become; default: readonly').choices([
        'admin',
        'operator',
        'readonly',
      ]),
    )
    .option('--note <text>', 'whom it is for')
    .option('--expires <when>', 'after 3d, or at 2030-01-31T00:00:00Z; default: in 7 days', parseMoment)
    .action(run(create))
  withListOptions(invites.command('ls').description('list invites')).action(run(list))
  invites.command('revoke').description('end an invite').argument('<invite>', 'id').action(run(revoke))
}

async function create(context: Context, _: [], options: CreateOptions): Promise<undefined> {
  await using connection = await connect(context)
  const { role, note, expires: expiresAt } = options
  const invite = await connection.client.invites.create({ role, note, expiresAt })
  // Only the invite, for $(…).
  await context.output.result(invite, ({ token }) => token)
  if (!context.output.json)
    await context.output.note(
      `shown this once; whoever has it registers with "krown --url ${connection.url} login --invite"`,
    )
}

async function list(context: Context, _: [], options: ListOptions): Promise<undefined> {
  await using connection = await connect(context)
  const page = await collectPages((query) => connection.client.invites.list(query), options)
  await printPage(context, page, COLUMNS)
}

async function revoke(context: Context, [id]: [InviteId]): Promise<undefined> {
  await using connection = await connect(context)
  const invite = await connection.client.invites.revoke(id)
  await context.output.result(invite, () => `${invite.id} is revoked`)
}

const COLUMNS: readonly Column<Invite>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'ROLE', text: ({ role }) => role },
  { title: 'STATE', text: stateOf },
  { title: 'EXPIRES', text: ({ expiresAt }) => formatTime(expiresAt) },
  { title: 'NOTE', text: ({ note }) => note ?? '-', flexible: true },
]

function stateOf({ usedAt, revokedAt, expiresAt }: Invite): string {
  if (usedAt !== null) return 'used'
  if (revokedAt !== null) return 'revoked'
  return Date.parse(expiresAt) <= Date.now() ? 'expired' : 'good'
}
