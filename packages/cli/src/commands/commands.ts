import type {
  CommandId,
  CommandStatus,
  CommandSummary,
  Command as Execution,
  RemoteKrownClient,
  SessionId,
} from '@krown/sdk'
import { type Command, Option } from 'commander'
import { type Context, connect } from '../context.js'
import { loginAddressOf } from '../output/address.js'
import { type Column, formatFields } from '../output/table.js'
import { formatDuration, formatPosition, formatTime } from '../output/time.js'
import { visibleLines } from '../output/visible.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'

const STATUSES = [
  'running',
  'completed',
  'timed_out',
  'cancelled',
  'interrupted',
  'denied',
  'failed',
] as const satisfies readonly CommandStatus[]

interface CommandListOptions extends ListOptions {
  readonly session?: SessionId
  readonly status?: CommandStatus
}

export function addCommands(program: Command, run: Run): void {
  const commands = program.command('commands').description('commands that ran or run in sessions')
  const withFilters = (command: Command) =>
    withListOptions(command)
      .option('--session <session>', 'only those of this session')
      .addOption(new Option('--status <status>', 'only those').choices(STATUSES))
  withFilters(commands.command('ls').description('list commands')).action(run(list))
  withFilters(commands.command('search').description('find commands by a part of their text'))
    .argument('<text>', 'any case')
    .action(run(search))
  commands
    .command('show')
    .description('everything about a command, with the output that was kept')
    .argument('<command>', 'id')
    .action(run(show))
  commands
    .command('cancel')
    .description('end a command: TERM, and KILL after a grace')
    .argument('<command>', 'id')
    .action(run(cancel))
}

const list = (context: Context, _: [], options: CommandListOptions) => print(context, undefined, options)
const search = (context: Context, [text]: [string], options: CommandListOptions) =>
  print(context, text, options)

async function print(
  context: Context,
  text: string | undefined,
  options: CommandListOptions,
): Promise<undefined> {
  await using connection = await connect(context)
  const filters = { sessionId: options.session, status: options.status, search: text }
  const page = await collectPages(
    (query) => connection.client.commands.list({ ...query, ...filters }),
    options,
  )
  await printPage(context, page, COLUMNS)
}

async function show(context: Context, [id]: [CommandId]): Promise<undefined> {
  await using connection = await connect(context)
  const { client } = connection
  const command = await client.commands.get(id)
  const names = context.output.json ? {} : await namesOf(client, command)
  await context.output.result(command, () => formatCommand(command, names))
}

interface Names {
  readonly user?: string
  readonly target?: string
}

/** As far as the caller may know them. */
async function namesOf(client: RemoteKrownClient, { sessionId, userId }: Execution): Promise<Names> {
  const session = await client.sessions.get(sessionId).catch(() => undefined)
  const user = session?.userId === userId ? session.ownerName : undefined
  const name = user ?? (await client.users.get(userId).catch(() => undefined))?.username
  const target = session && (session.targetName ?? loginAddressOf(session))
  return { ...(name && { user: name }), ...(target && { target }) }
}

async function cancel(context: Context, [id]: [CommandId]): Promise<undefined> {
  await using connection = await connect(context)
  const command = await connection.client.commands.cancel(id)
  await context.output.result(command, ({ status }) => `${command.id} is ${status}`)
}

const COLUMNS: readonly Column<CommandSummary>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'STATUS', text: ({ status }) => status },
  { title: 'EXIT', text: exitOf },
  { title: 'STARTED', text: ({ startedAt }) => formatTime(startedAt) },
  { title: 'TOOK', text: ({ durationMs }) => formatDuration(durationMs), secondary: true },
  { title: 'RECORDING', text: recordingOf, secondary: true },
  { title: 'COMMAND', text: ({ command }) => command, flexible: true },
]

/** What `krown replay --from` takes. */
function positionOf({ recordingOffsetMs }: CommandSummary): string | null {
  return recordingOffsetMs === null ? null : formatPosition(recordingOffsetMs)
}

function recordingOf(command: CommandSummary): string {
  return command.recordingId === null ? '-' : `${command.recordingId} ${positionOf(command)}`
}

function exitOf({ exitCode, signal }: CommandSummary): string {
  return exitCode === null ? (signal ?? '-') : String(exitCode)
}

function formatCommand(command: Execution, names: Names): string[] {
  const fields = formatFields([
    ['id', command.id],
    ['session', command.sessionId],
    ['user', names.user ?? command.userId],
    ['target', names.target ?? null],
    ['command', command.command],
    ['status', command.status],
    ['exit code', exitOf(command)],
    ['error', command.errorCode],
    ['started', formatTime(command.startedAt)],
    ['finished', formatTime(command.finishedAt)],
    ['took', formatDuration(command.durationMs)],
    ['recording', command.recordingId],
    ['begins there', positionOf(command)],
  ])
  return [...fields, ...formatStream(command, 'stdout'), ...formatStream(command, 'stderr')]
}

function formatStream(command: Execution, stream: 'stdout' | 'stderr'): string[] {
  const [data, isTruncated] = [command[stream], command[`${stream}Truncated`]]
  const title = `${stream}, ${command[`${stream}Bytes`]} bytes`
  if (data === '' && !isTruncated) return []
  if (data === null || data === '') return ['', `${title}: not kept`]
  if (command[`${stream}Encoding`] === 'base64') return ['', `${title}, not text: see --json`]
  const lines = visibleLines(data.replace(/\r?\n$/, ''))
  return ['', `${title}${isTruncated ? ', of which the beginning was kept' : ''}:`, ...lines]
}
