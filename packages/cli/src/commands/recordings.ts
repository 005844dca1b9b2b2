import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type {
  Recording,
  RecordingFormat,
  RecordingId,
  RecordingKind,
  RecordingStatus,
  SessionId,
} from '@krown/sdk'
import { type Command, Option } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { type Column, formatFields } from '../output/table.js'
import { formatDuration, formatTime } from '../output/time.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { parsePosition } from './option-values.js'

const KINDS = ['session', 'terminal'] as const satisfies readonly RecordingKind[]
const STATUSES = [
  'recording',
  'closed',
  'incomplete',
  'deleted',
] as const satisfies readonly RecordingStatus[]
const EXTENSIONS: Readonly<Record<RecordingFormat, string>> = {
  'asciicast-v3': 'cast',
  'asciicast-v2': 'cast',
  text: 'txt',
  html: 'html',
}

interface RecordingListOptions extends ListOptions {
  readonly session?: SessionId
  readonly kind?: RecordingKind
  readonly status?: RecordingStatus
}

interface ExportOptions {
  readonly format: RecordingFormat
  readonly from?: number
  readonly to?: number
  readonly output?: string
}

export function addRecordings(program: Command, run: Run): void {
  const recordings = program.command('recordings').description('what was recorded of sessions')
  withListOptions(recordings.command('ls').description('list recordings'))
    .option('--session <session>', 'only those of this session')
    .addOption(new Option('--kind <kind>', 'only those').choices(KINDS))
    .addOption(new Option('--status <status>', 'only those').choices(STATUSES))
    .action(run(list))
  recordings
    .command('show')
    .description('what is known of a recording')
    .argument('<recording>', 'id')
    .action(run(show))
  recordings
    .command('export')
    .description('save a recording as a file')
    .argument('<recording>', 'id')
    .addOption(new Option('--format <format>').choices(Object.keys(EXTENSIONS)).default('asciicast-v3'))
    .option('--from <position>', 'leave out what comes before: 90s, 1:30 or 1:02:03', parsePosition)
    .option('--to <position>', 'leave out what comes after', parsePosition)
    .option('-o, --output <file>', 'default: the id and .cast, .txt or .html; - for standard output')
    .action(run(save))
  recordings
    .command('rm')
    .description('delete a recording: its file and key are destroyed')
    .argument('<recording>', 'id')
    .action(run(remove))
}

async function list(context: Context, _: [], options: RecordingListOptions): Promise<undefined> {
  await using connection = await connect(context)
  const { session: sessionId, kind, status } = options
  const page = await collectPages(
    (query) => connection.client.recordings.list({ ...query, sessionId, kind, status }),
    options,
  )
  await printPage(context, page, COLUMNS)
}

async function show(context: Context, [id]: [RecordingId]): Promise<undefined> {
  await using connection = await connect(context)
  await context.output.result(await connection.client.recordings.get(id), formatRecording)
}

async function remove(context: Context, [id]: [RecordingId]): Promise<undefined> {
  await using connection = await connect(context)
  const recording = await connection.client.recordings.delete(id)
  await context.output.result(recording, () => `${recording.id} is deleted`)
}

async function save(context: Context, [id]: [RecordingId], options: ExportOptions): Promise<undefined> {
  const { format, from, to, output = `${id}.${EXTENSIONS[format]}` } = options
  await using connection = await connect(context)
  const pieces = connection.client.recordings.download(id, { format, from, to })
  if (output === '-') {
    for await (const piece of pieces) await context.output.bytes('stdout', piece)
    return
  }
  // Nothing is made of what the server refuses, and nothing is written over.
  const whole = Readable.from(pieces)
  let isOurs = false
  try {
    const file = createWriteStream(output, { flags: 'wx', mode: 0o600 }).on('open', () => {
      isOurs = true
    })
    await pipeline(whole, file)
  } catch (error) {
    if (isOurs) await rm(output, { force: true })
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw usageError(`${output} is there already`)
    throw error
  }
  await context.output.result({ file: output }, ({ file }) => file)
}

const COLUMNS: readonly Column<Recording>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'KIND', text: ({ kind }) => kind },
  { title: 'STATUS', text: ({ status }) => status },
  { title: 'STARTED', text: ({ startedAt }) => formatTime(startedAt) },
  { title: 'LENGTH', text: ({ durationMs }) => formatDuration(durationMs) },
  {
    title: 'BYTES',
    text: ({ fileBytes }) => (fileBytes === null ? '-' : String(fileBytes)),
    secondary: true,
  },
  { title: 'SESSION', text: ({ sessionId }) => sessionId, secondary: true },
]

function formatRecording(recording: Recording): string[] {
  return formatFields([
    ['id', recording.id],
    ['session', recording.sessionId],
    ['user', recording.userId],
    ['kind', recording.kind],
    ['command', recording.commandId],
    ['status', recording.status],
    ['started', formatTime(recording.startedAt)],
    ['ended', formatTime(recording.endedAt)],
    ['length', formatDuration(recording.durationMs)],
    ['bytes', recording.fileBytes === null ? null : String(recording.fileBytes)],
    ['not recorded', recording.lostBytes === 0 ? null : `${recording.lostBytes} bytes`],
    ['sha256', recording.sha256],
    ['deleted', recording.deletedAt === null ? null : formatTime(recording.deletedAt)],
  ])
}
