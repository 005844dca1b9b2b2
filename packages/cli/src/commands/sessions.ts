import type { Session, SessionId, SessionQuery, SessionStatus } from '@krown/sdk'
import { type Command, Option } from 'commander'
import { type Context, connect } from '../context.js'
import { loginAddressOf } from '../output/address.js'
import { type Column, formatFields } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { openSession, type TargetOptions } from '../target/open-session.js'
import { sessionPlaceOf } from '../target/session-place.js'
import { Secrets } from '../terminal/secrets.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { withTargetOptions } from './target-options.js'

const STATUSES = [
  'connecting',
  'connected',
  'disconnected',
  'error',
] as const satisfies readonly SessionStatus[]

export function addSessions(program: Command, run: Run): void {
  const sessions = program.command('sessions').description('SSH sessions that the server holds')
  withTargetOptions(
    sessions
      .command('open')
      .description('connect to a target or host and print the id of the session, which stays open')
      .argument('<target>', 'name of a target, or else [user@]host'),
  ).action(run(open))
  withListOptions(sessions.command('ls').description('list sessions'))
    .addOption(new Option('--status <status>', 'only those').choices(STATUSES))
    .option('--host <host>', 'only those to this target, or else host')
    .action(run(list))
  sessions
    .command('show')
    .description('everything about a session')
    .argument('<session>', 'id')
    .action(run(show))
  sessions
    .command('close')
    .description('end a session; its commands are ended too')
    .argument('<session>', 'id')
    .action(run(close))
}

async function open(context: Context, [target]: [string], options: TargetOptions): Promise<undefined> {
  await using connection = await connect(context)
  using secrets = new Secrets(context.io, options)
  const session = await openSession({ context, connection, secrets }, target, options)
  // Only the id, for $(…).
  await context.output.result(session, ({ id }) => id)
}

async function list(context: Context, _: [], options: ListOptions & SessionQuery): Promise<undefined> {
  await using connection = await connect(context)
  const { status } = options
  const place = await sessionPlaceOf(connection.client, options.host, 'leave --host out')
  const page = await collectPages(
    (query) => connection.client.sessions.list({ ...query, status, ...place }),
    options,
  )
  await printPage(context, page, COLUMNS)
}

async function show(context: Context, [id]: [SessionId]): Promise<undefined> {
  await using connection = await connect(context)
  await context.output.result(await connection.client.sessions.get(id), formatSession)
}

async function close(context: Context, [id]: [SessionId]): Promise<undefined> {
  await using connection = await connect(context)
  const session = await connection.client.sessions.close(id)
  await context.output.result(session, ({ id, status }) => `${id} is ${status}`)
}

const COLUMNS: readonly Column<Session>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'STATUS', text: ({ status }) => status },
  { title: 'WHO', text: ({ ownerName }) => ownerName },
  { title: 'TARGET', text: ({ targetName }) => targetName ?? '-' },
  { title: 'ADDRESS', text: loginAddressOf, flexible: true },
  { title: 'CREATED', text: ({ createdAt }) => formatTime(createdAt), secondary: true },
  { title: 'REASON', text: ({ statusReason }) => statusReason ?? '', secondary: true },
]

function formatSession(session: Session): string[] {
  return formatFields([
    ['id', session.id],
    ['target', session.targetName ?? session.targetId],
    ['address', loginAddressOf(session)],
    ['status', session.status],
    ['reason', session.statusReason],
    ['opened by', session.ownerName],
    ['signed in with', session.authMethod],
    ['host key', session.hostKeyFingerprint],
    ['created', formatTime(session.createdAt)],
    ['connected', formatTime(session.connectedAt)],
    ['last activity', formatTime(session.lastActivityAt)],
    ['ended', formatTime(session.endedAt)],
    ['bytes to target', String(session.bytesIn)],
    ['bytes from target', String(session.bytesOut)],
  ])
}
