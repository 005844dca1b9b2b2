import type { Recording, RemoteKrownClient } from '@krown/sdk'
import type { Context } from '../context.js'
import { Interrupts } from '../exec/interrupts.js'
import { EXIT, exitCodeOfSignal } from '../exit-codes.js'
import { HarmlessOutput } from '../shell/harmless-output.js'
import { LocalTerminal } from '../shell/local-terminal.js'
import { sizeAdvice } from '../shell/sitting.js'
import { readCast } from './cast.js'
import { Player, type PlayerEnding, type PlayerOptions } from './player.js'
import { ReplayDesk } from './replay-desk.js'

export interface ReplayParts {
  readonly context: Context
  readonly client: RemoteKrownClient
}

const CLEAR = '\u001b[?1049l\u001b[!p\u001b[0m\u001b[r\u001b[H\u001b[2J'

/** Plays a recording in this terminal, which is as before at the end. @returns The exit code. */
export async function replay(
  parts: ReplayParts,
  recording: Recording,
  options: PlayerOptions,
): Promise<number> {
  const { io, output } = parts.context
  const desk = new ReplayDesk()
  using terminal = new LocalTerminal(io, 'exact')
  using interrupts = new Interrupts(() => desk.ask({ kind: 'interrupt' }))
  void desk.read(io.stdin, recording.durationMs).catch(() => undefined)
  const ending = await playOn(parts, recording, { terminal, desk, options })
  terminal[Symbol.dispose]()
  io.stdin.pause()
  await output.bytes('stdout', Buffer.from('\n'))
  if (ending === 'ended') await output.note(endOf(recording))
  if (ending !== 'interrupt') return EXIT.ok
  return interrupts.received ? exitCodeOfSignal(interrupts.received) : EXIT.interrupted
}

function playOn(
  { context: { io, output }, client }: ReplayParts,
  { id }: Recording,
  { terminal, desk, options }: { terminal: LocalTerminal; desk: ReplayDesk; options: PlayerOptions },
): Promise<PlayerEnding> {
  let harmless = new HarmlessOutput({ forTyping: false })
  let advised = false
  const write = async (text: string) => {
    const bytes = Buffer.from(text)
    terminal.follow(bytes)
    await output.bytes('stdout', bytes)
  }
  const player = new Player(
    {
      open: (fromMs) => readCast(client.recordings.download(id, { from: Math.round(fromMs) })),
      clear: async () => {
        harmless = new HarmlessOutput({ forTyping: false })
        await write(CLEAR)
      },
      resized: async (size) => {
        const advice = advised ? undefined : sizeAdvice(size, io)
        advised ||= advice !== undefined
        if (advice) await write(`${advice}\r\n`)
      },
      // The server takes out what could harm a terminal; this one does not rely on it.
      show: (text) => write(harmless.filter(Buffer.from(text))),
      wait: (ms) => desk.wait(ms),
      next: () => desk.next(),
    },
    options,
  )
  return player.play()
}

function endOf({ status }: Recording): string {
  if (status === 'recording') return 'this is as far as it is recorded by now'
  return status === 'incomplete' ? 'the recording is incomplete and ends here' : 'the recording ends here'
}
