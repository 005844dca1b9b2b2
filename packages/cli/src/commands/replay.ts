import type { CommandId, Recording, RecordingId, RemoteKrownClient } from '@krown/sdk'
import type { Command } from 'commander'
import { CliError, usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { replay } from '../replay/replay.js'
import type { Run } from '../verb.js'
import { parseDuration, parsePosition, parseSpeed } from './option-values.js'

interface ReplayOptions {
  readonly speed: number
  readonly idleLimit: number
  readonly from?: number
  readonly command?: CommandId
}

export function addReplay(program: Command, run: Run): void {
  program
    .command('replay')
    .description(
      'play a recording; space pauses, arrows move by 5 seconds or a minute, 0 to 9 jump, q ends. Into a file or a pipe it prints text',
    )
    .argument('[recording]', 'id; or --command')
    .option('--speed <factor>', 'twice as fast: 2', parseSpeed, 1)
    .option('--idle-limit <duration>', 'wait at most so long where nothing happened', parseDuration, 2000)
    .option('--from <position>', 'begin there: 90s, 1:30 or 1:02:03', parsePosition)
    .option('--command <command>', 'the recording of this command, where it begins')
    .action(run(play))
}

async function play(
  context: Context,
  [id]: [RecordingId | undefined],
  options: ReplayOptions,
): Promise<number | undefined> {
  const { io, output } = context
  await using connection = await connect(context)
  const { client } = connection
  const { recording, fromMs } = await find(client, id, options)
  if (!io.stdout.isTTY || !io.stdin.isTTY) {
    for await (const piece of client.recordings.download(recording.id, { format: 'text', from: fromMs })) {
      await output.bytes('stdout', piece)
    }
    return undefined
  }
  const { speed, idleLimit } = options
  return replay({ context, client }, recording, { fromMs, speed, idleLimitMs: idleLimit })
}

async function find(
  client: RemoteKrownClient,
  id: RecordingId | undefined,
  { from, command: commandId }: ReplayOptions,
): Promise<{ recording: Recording; fromMs: number }> {
  if (commandId === undefined) {
    if (id === undefined) throw usageError('name a recording, or a command with --command')
    return { recording: await client.recordings.get(id), fromMs: from ?? 0 }
  }
  if (id !== undefined) throw usageError('name a recording or a command, not both')
  const { recordingId, recordingOffsetMs } = await client.commands.get(commandId)
  if (recordingId === null) throw new CliError('this command was not recorded', EXIT.notFound)
  const recording = await client.recordings.get(recordingId)
  return { recording, fromMs: (recordingOffsetMs ?? 0) + (from ?? 0) }
}
