import type {
  AccessDecision,
  AccessRule,
  AccessRuleId,
  AccessSubject,
  AccessVerb,
  RemoteKrownClient,
  Role,
  UserId,
} from '@krown/sdk'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { getTarget } from '../target/find-target.js'
import { tokenIdOf } from '../target/token-id.js'
import { userIdOf } from '../target/user-id.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { collect, parseMoment } from './option-values.js'

const VERBS = ['exec', 'shell', 'transfer', 'watch'] as const satisfies readonly AccessVerb[]
const ROLES = ['admin', 'operator', 'readonly'] as const satisfies readonly Role[]
/** What one opens sessions for; to look at those of others is another matter. */
const USUAL_VERBS: AccessVerb[] = ['exec', 'shell', 'transfer']
/** Targets that one page has. */
const MOST_COUNTED = 200

interface GrantOptions {
  readonly user?: string
  readonly role?: Role
  readonly token?: string
  readonly verb?: AccessVerb[]
  readonly as?: string[]
  readonly expires?: string
  readonly reason?: string
}

/** Before anything is sent: a server would name its field, and not the option. */
function collectVerbs(text: string, before?: readonly string[]): string[] {
  const verbs = collect(text, before)
  const wrong = verbs.find((verb) => !VERBS.some((known) => known === verb))
  if (wrong !== undefined) throw new InvalidArgumentError(`Allowed choices are ${VERBS.join(', ')}.`)
  return verbs
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
      'an API token, your own by name or any by id, which rules limit: it reaches what both they and its owner may',
    )
    .addOption(
      new Option('--verb <verb>', 'more than once, or with commas; default: all but watch')
        .choices(VERBS)
        .argParser(collectVerbs),
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
    .option(
      '--token <token>',
      'an API token of the user, your own by name or any by id: as if it came with that',
    )
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
  if (!context.output.json) await noteReach(context, connection.client, rule)
}

/** A rule may be right and reach nothing: now, or ever. */
async function noteReach({ output }: Context, client: RemoteKrownClient, rule: AccessRule): Promise<void> {
  const { selector, subject } = rule
  const page = await client.targets.list({ selector, limit: MOST_COUNTED }).catch(() => undefined)
  if (page !== undefined) await output.note(`it matches ${countOf(page.items.length, page.nextCursor)}`)
  const role = subject.kind === 'user' ? await roleOf(client, subject.userId) : subjectRole(subject)
  if (role === 'readonly')
    await output.note('the role readonly never may, whatever a rule says: krown users set-role USER operator')
  if (role === 'admin') await output.note('admins need no rule')
}

function countOf(count: number, more: string | null): string {
  if (count === 0) return 'no target now'
  if (more !== null) return `more than ${count} targets now`
  return count === 1 ? '1 target now' : `${count} targets now`
}

const subjectRole = (subject: AccessSubject) => (subject.kind === 'role' ? subject.role : undefined)

const roleOf = (client: RemoteKrownClient, id: UserId): Promise<Role | undefined> =>
  client.users.get(id).then(
    ({ role }) => role,
    () => undefined,
  )

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
  options: { as?: string; token?: string },
): Promise<undefined> {
  await using connection = await connect(context)
  const { client } = connection
  const userId = await userIdOf(client, user)
  const { id: targetId, username } = await getTarget(client, target)
  const tokenId = options.token === undefined ? undefined : await tokenIdOf(client, options.token)
  const question = { userId, targetId, verb, remoteUsername: options.as, tokenId }
  const decision = await client.accessRules.explain(question)
  const role = decision.reason === 'role' ? await roleOf(client, userId) : undefined
  const ended = decision.reason === 'no_rule' ? await endedRules(client, userId, verb) : []
  const who = options.token === undefined ? user : `${user} with token ${options.token}`
  const asked = `${who} ${decision.allowed ? 'may' : 'may not'} ${verb} on ${target} as ${options.as ?? username}`
  await context.output.result(decision, () => `${asked}: ${because(decision, role)}`)
  if (context.output.json) return
  for (const rule of ended) await context.output.note(`a rule that ended: ${rule.id}, ${describe(rule)}`)
}

async function subjectOf(
  client: RemoteKrownClient,
  { user, role, token }: GrantOptions,
): Promise<AccessSubject> {
  if ([user, role, token].filter((one) => one !== undefined).length !== 1) {
    throw usageError('a rule is for one of --user, --role and --token')
  }
  if (role !== undefined) return { kind: 'role', role }
  if (token !== undefined) return { kind: 'api_token', tokenId: await tokenIdOf(client, token) }
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

const isEnded = ({ expiresAt }: AccessRule) => expiresAt !== null && Date.parse(expiresAt) <= Date.now()

/** Of the user, with that verb: whoever asks why something ended wants to see them. */
async function endedRules(
  client: RemoteKrownClient,
  userId: UserId,
  verb: AccessVerb,
): Promise<AccessRule[]> {
  const { items } = await client.accessRules.list({ userId, limit: MOST_COUNTED })
  return items.filter((rule) => isEnded(rule) && rule.verbs.includes(verb))
}

function because({ allowed, reason, rule, token }: AccessDecision, role?: Role): string {
  const rules = [rule, token?.rule ?? null].filter((one) => one !== null)
  const named = rules.map((one) => `rule ${one.id}, ${describe(one)}`).join('; and ')
  if (allowed && rule) return `by ${named}`
  const why = reason === 'role' && role ? `the role ${role} never may` : (BECAUSE[reason] ?? reason)
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

function expiryOf(rule: AccessRule): string {
  if (rule.expiresAt === null) return 'never'
  return isEnded(rule) ? `ended ${formatTime(rule.expiresAt)}` : formatTime(rule.expiresAt)
}

const COLUMNS: readonly Column<AccessRule>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'WHO', text: subjectText },
  { title: 'VERBS', text: ({ verbs }) => verbs.join(' ') },
  { title: 'AS', text: ({ remoteUsernames }) => remoteUsernames?.join(' ') ?? 'anybody', secondary: true },
  { title: 'EXPIRES', text: expiryOf },
  { title: 'TARGETS', text: ({ selector }) => selector, flexible: true },
  { title: 'REASON', text: ({ reason }) => reason ?? '', secondary: true },
]
