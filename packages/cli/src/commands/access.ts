import type {
  AccessDecision,
  AccessRule,
  AccessRuleId,
  AccessSubject,
  AccessVerb,
  ApiTokenId,
  RemoteKrownClient,
  Role,
} from '@krown/sdk'
import { type Command, Option } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { targetIdOf } from '../target/target-id.js'
import { userIdOf } from '../target/user-id.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { collect, parseMoment } from './option-values.js'

const VERBS = ['exec', 'shell', 'transfer', 'watch'] as const satisfies readonly AccessVerb[]
const ROLES = ['admin', 'operator', 'readonly'] as const satisfies readonly Role[]
/** What one opens sessions for; to look at those of others is another matter. */
const USUAL_VERBS: AccessVerb[] = ['exec', 'shell', 'transfer']

interface GrantOptions {
  readonly user?: string
  readonly role?: Role
  readonly token?: ApiTokenId
  readonly verb?: AccessVerb[]
  readonly as?: string[]
  readonly expires?: string
  readonly reason?: string
}

export function addAccess(program: Command, run: Run): void {
  const access = program.command('access').description('who may do what on which targets')
  withListOptions(access.command('ls').description('list access rules'))
    .option('--user <user>', 'only those of this user; name or id')
    .action(run(list))
  access
    .command('grant')
    .description('let a user, a role or an API token use targets')
    .argument('<selector>', "which: 'name:web* tag:prod and not tag:db'; '*' is every target")
    .option('--user <user>', 'user name or id')
    .addOption(new Option('--role <role>', 'everybody of this role').choices(ROLES))
    .option(
      '--token <token>',
      'id of an API token, which rules limit: it reaches what both they and its owner may',
    )
    .option(
      '--verb <verb>',
      'exec, shell, transfer or watch; more than once, or with commas; default: all but watch',
      collect,
    )
    .option('--as <username>', 'only as this user there; more than once, or with commas', collect)
    .option('--expires <when>', 'after 8h, or at 2030-01-31T00:00:00Z; default: never', parseMoment)
    .option('--reason <text>', 'why')
    .action(run(grant))
  access
    .command('revoke')
    .description('delete an access rule; sessions that nothing allows any more end')
    .argument('<rule>', 'id')
    .action(run(revoke))
  access
    .command('explain')
    .description('whether a user may do something on a target, and which rule decides')
    .argument('<user>', 'user name or id')
    .argument('<target>', 'name or id')
    .addArgument(program.createArgument('<verb>', 'what').choices(VERBS))
    .option('--as <username>', "user name there; default: the target's")
    .option('--token <token>', 'id of an API token of the user: as if it came with that')
    .action(run(explain))
}

async function list(context: Context, _: [], options: ListOptions & { user?: string }): Promise<undefined> {
  await using connection = await connect(context)
  const { client } = connection
  const userId = options.user === undefined ? undefined : await userIdOf(client, options.user)
  const page = await collectPages((query) => client.accessRules.list({ ...query, userId }), options)
  await printPage(context, page, COLUMNS)
}

async function grant(context: Context, [selector]: [string], options: GrantOptions): Promise<undefined> {
  await using connection = await connect(context)
  const rule = await connection.client.accessRules.create({
    subject: await subjectOf(connection.client, options),
    selector,
    verbs: options.verb ?? USUAL_VERBS,
    remoteUsernames: options.as,
    expiresAt: options.expires,
    reason: options.reason,
  })
  await context.output.result(rule, ({ id }) => `${id}: ${describe(rule)}`)
}

async function revoke(context: Context, [id]: [AccessRuleId]): Promise<undefined> {
  await using connection = await connect(context)
  const rule = await connection.client.accessRules.delete(id)
  await context.output.result(rule, () => `${id} is revoked: ${describe(rule)}`)
  if (rule.tokenUnlimited) {
    await context.output.note(
      'no rule limits the API token any more: it may do what its owner may. `krown tokens revoke` ends it',
    )
  }
}

async function explain(
  context: Context,
  [user, target, verb]: [string, string, AccessVerb],
  options: { as?: string; token?: ApiTokenId },
): Promise<undefined> {
  await using connection = await connect(context)
  const { client } = connection
  const decision = await client.accessRules.explain({
    userId: await userIdOf(client, user),
    targetId: await targetIdOf(client, target),
    verb,
    remoteUsername: options.as,
    tokenId: options.token,
  })
  const who = options.token === undefined ? user : `${user} with token ${options.token}`
  const asked = `${who} ${decision.allowed ? 'may' : 'may not'} ${verb} on ${target}`
  await context.output.result(decision, () => `${asked}: ${because(decision)}`)
}

async function subjectOf(
  client: RemoteKrownClient,
  { user, role, token }: GrantOptions,
): Promise<AccessSubject> {
  if ([user, role, token].filter((one) => one !== undefined).length !== 1) {
    throw usageError('a rule is for one of --user, --role and --token')
  }
  if (role !== undefined) return { kind: 'role', role }
  if (token !== undefined) return { kind: 'api_token', tokenId: token }
  return { kind: 'user', userId: await userIdOf(client, user ?? '') }
}

const BECAUSE: Readonly<Record<string, string>> = {
  admin: 'admins need no rule',
  no_rule: 'no rule allows it',
  role: 'the role never may',
  disabled: 'the user is disabled',
  no_token_rule: 'rules limit the token, and none of its own allows it',
  token_ended: 'the token was revoked or has expired',
}

function because({ allowed, reason, rule, token }: AccessDecision): string {
  const rules = [rule, token?.rule ?? null].filter((one) => one !== null)
  const named = rules.map((one) => `rule ${one.id}, ${describe(one)}`).join('; and ')
  if (allowed && rule) return `by ${named}`
  const why = BECAUSE[reason] ?? reason
  return named === '' ? why : `${why}; what does allow it: ${named}`
}

function describe(rule: AccessRule): string {
  const { selector, verbs, remoteUsernames, expiresAt } = rule
  const as = remoteUsernames ? ` as ${remoteUsernames.join(', ')}` : ''
  const until = expiresAt === null ? '' : ` until ${formatTime(expiresAt)}`
  return `${subjectText(rule)} may ${verbs.join(', ')} on ${selector}${as}${until}`
}

function subjectText({ subject, subjectName }: AccessRule): string {
  if (subject.kind === 'role') return `role ${subject.role}`
  return subject.kind === 'user'
    ? `user ${subjectName ?? subject.userId}`
    : `token ${subjectName ?? subject.tokenId}`
}

const COLUMNS: readonly Column<AccessRule>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'WHO', text: subjectText },
  { title: 'VERBS', text: ({ verbs }) => verbs.join(' ') },
  { title: 'AS', text: ({ remoteUsernames }) => remoteUsernames?.join(' ') ?? 'anybody' },
  { title: 'EXPIRES', text: ({ expiresAt }) => (expiresAt === null ? 'never' : formatTime(expiresAt)) },
  { title: 'TARGETS', text: ({ selector }) => selector, flexible: true },
  { title: 'REASON', text: ({ reason }) => reason ?? '' },
]
