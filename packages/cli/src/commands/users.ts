import type { Role, UpdateUserInput, User } from '@krown/sdk'
import { type Command, Option } from 'commander'
import { type Context, connect } from '../context.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { userIdOf } from '../target/user-id.js'
import { Secrets } from '../terminal/secrets.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'

const ROLES = ['admin', 'operator', 'readonly'] as const satisfies readonly Role[]

interface CreateOptions {
  readonly email?: string
  readonly role?: Role
  readonly passwordStdin?: boolean
}

export function addUsers(program: Command, run: Run): void {
  const users = program.command('users').description('the people of your organization')
  withListOptions(users.command('ls').description('list users'))
    .addOption(new Option('--role <role>', 'only those').choices(ROLES))
    .action(run(list))
  users
    .command('create')
    .description('make a user')
    .argument('<username>', 'a-z, 0-9, dot, underscore and hyphen')
    .addOption(new Option('--role <role>', 'default: readonly').choices(ROLES))
    .option('--email <address>', 'e-mail address')
    .option('--password-stdin', 'the first line of standard input is the password')
    .action(run(create))
  users
    .command('set-role')
    .description('change what a user may do')
    .argument('<user>', 'user name or id')
    .addArgument(program.createArgument('<role>', 'the new role').choices(ROLES))
    .action(run((context, [user, role]: [string, Role]) => update(context, user, { role })))
  users
    .command('disable')
    .description('sign a user out everywhere, close its sessions, and let it in no more')
    .argument('<user>', 'user name or id')
    .action(run((context, [user]: [string]) => update(context, user, { disabled: true })))
  users
    .command('enable')
    .description('let a disabled user in again')
    .argument('<user>', 'user name or id')
    .action(run((context, [user]: [string]) => update(context, user, { disabled: false })))
}

async function list(context: Context, _: [], options: ListOptions & { role?: Role }): Promise<undefined> {
  await using connection = await connect(context)
  const { role } = options
  const page = await collectPages((query) => connection.client.users.list({ ...query, role }), options)
  await printPage(context, page, COLUMNS)
}

async function create(context: Context, [username]: [string], options: CreateOptions): Promise<undefined> {
  await using connection = await connect(context)
  using secrets = new Secrets(context.io, options)
  const password = await secrets.newPassword(`password of ${username}`)
  const { email, role } = options
  const user = await connection.client.users.create({ username, password, email, role })
  await context.output.result(user, describe)
}

async function update(context: Context, nameOrId: string, change: UpdateUserInput): Promise<undefined> {
  await using connection = await connect(context)
  const id = await userIdOf(connection.client, nameOrId)
  await context.output.result(await connection.client.users.update(id, change), describe)
}

const describe = ({ username, role, disabled, id }: User) =>
  `${username} (${id}) is ${role}${disabled ? ', disabled' : ''}`

const COLUMNS: readonly Column<User>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ username }) => username },
  { title: 'ROLE', text: ({ role }) => role },
  { title: 'AUDITS', text: ({ auditScope }) => auditScope, secondary: true },
  { title: 'STATE', text: ({ disabled }) => (disabled ? 'disabled' : 'enabled') },
  { title: 'LAST LOGIN', text: ({ lastLoginAt }) => formatTime(lastLoginAt), secondary: true },
  { title: 'E-MAIL', text: ({ email }) => email ?? '', flexible: true },
]
