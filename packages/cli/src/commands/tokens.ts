import type { ApiToken, ApiTokenScope, NewApiToken } from '@krown/sdk'
import type { Command } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { tokenIdOf } from '../target/token-id.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { collect, parseMoment } from './option-values.js'

interface CreateOptions {
  readonly scope?: ApiTokenScope[]
  readonly expires?: string
}

export function addTokens(program: Command, run: Run): void {
  const tokens = program.command('tokens').description('your API tokens, for KROWN_TOKEN and other programs')
  tokens
    .command('create')
    .description('make a token; it is shown this once')
    .argument('<name>', 'what it is for')
    .option(
      '--scope <scope>',
      'what it may do, as session:read; more than once, or with commas; default: every scope',
      collect,
    )
    .option('--expires <when>', 'after 30d, at 2030-01-31T00:00:00Z, or never; default: in 90 days')
    .action(run(create))
  withListOptions(tokens.command('ls').description('list your tokens')).action(run(list))
  tokens.command('revoke').description('end a token').argument('<token>', 'name or id').action(run(revoke))
}

async function create(context: Context, [name]: [string], options: CreateOptions): Promise<undefined> {
  await using connection = await connect(context)
  const { scope: scopes, expires } = options
  const expiresAt = expires === undefined ? undefined : parseExpiry(expires)
  const token = await connection.client.tokens.create({ name, scopes, expiresAt })
  // Only the token, for $(…).
  await context.output.result(token, () => token.token)
  if (!context.output.json)
    await context.output.note(
      `shown this once; ${limitsOf(token, scopes)}; "krown tokens revoke ${token.id}" ends it`,
    )
}

function limitsOf({ expiresAt }: NewApiToken, asked: readonly ApiTokenScope[] | undefined): string {
  const end = expiresAt === null ? 'never expires' : `expires at ${formatTime(expiresAt)}`
  return asked === undefined
    ? `it has every scope, so that it may do all that you may, and ${end}`
    : `it ${end}`
}

async function list(context: Context, _: [], options: ListOptions): Promise<undefined> {
  await using connection = await connect(context)
  const page = await collectPages((query) => connection.client.tokens.list(query), options)
  await printPage(context, page, COLUMNS)
}

async function revoke(context: Context, [nameOrId]: [string]): Promise<undefined> {
  await using connection = await connect(context)
  const id = await tokenIdOf(connection.client, nameOrId)
  const token = await connection.client.tokens.revoke(id)
  await context.output.result(token, ({ name }) => `${name} (${token.id}) is revoked`)
}

function parseExpiry(text: string): string | null {
  if (text === 'never') return null
  try {
    return parseMoment(text)
  } catch {
    throw usageError(`--expires ${text} is no point in time`, 'write 30d, 2030-01-31T00:00:00Z or never')
  }
}

const COLUMNS: readonly Column<ApiToken>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'STATE', text: stateOf },
  { title: 'EXPIRES', text: ({ expiresAt }) => (expiresAt === null ? 'never' : formatTime(expiresAt)) },
  { title: 'LAST USED', text: ({ lastUsedAt }) => formatTime(lastUsedAt), secondary: true },
  { title: 'SCOPES', text: ({ scopes }) => scopes.join(' '), flexible: true },
]

function stateOf({ revokedAt, expiresAt }: ApiToken): string {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'good'
}
