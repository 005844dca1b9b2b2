import type { ChannelId, RemoteKrownClient } from '@krown/sdk'
import type { Context } from '../context.js'
import { LocalTerminal } from './local-terminal.js'
import { Screen } from './screen.js'
import { type Ending, Sitting } from './sitting.js'
import { SteadyChannel } from './steady-channel.js'

export interface SitDownParts {
  readonly context: Context
  readonly client: RemoteKrownClient
}

export interface SitDownOptions {
  /** Looks only: what is typed goes nowhere, `q` leaves. */
  readonly watches?: boolean
  readonly takeOver?: boolean
  /** It was just opened for us: all that it printed was meant for this terminal. */
  readonly isNew?: boolean
  /** What is sent to it, unless it is only watched. */
  readonly input: AsyncIterable<Uint8Array>
  readonly escapeCharacter: string | undefined
}

/** Attaches this terminal, or what stands in its place, to a channel until one of both is through. */
export async function sitDown(parts: SitDownParts, id: ChannelId, options: SitDownOptions): Promise<Ending> {
  const { io } = parts.context
  let sitting: Sitting | undefined
  const channel = await SteadyChannel.attach(parts.client, id, {
    ...(options.watches ? { role: 'watcher' } : { takeOver: options.takeOver ?? false }),
    ...(options.isNew && { offset: 0 }),
    way: { lost: () => void sitting?.lost(), back: () => void sitting?.back() },
  })
  using terminal = io.stdin.isTTY
    ? new LocalTerminal(io, channel.channel.terminal ? 'exact' : 'lines')
    : undefined
  sitting = sittingAt(parts, options, { channel, terminal })
  const ending = await sitting.run()
  if (terminal && ending.command?.status !== 'completed') await leaveLine(parts.context, terminal)
  return ending
}

interface Place {
  readonly channel: SteadyChannel
  readonly terminal: LocalTerminal | undefined
}

function sittingAt(
  { context: { io, output } }: SitDownParts,
  options: SitDownOptions,
  { channel, terminal }: Place,
): Sitting {
  const { watches = false, isNew = false, input, escapeCharacter } = options
  return new Sitting({
    io,
    channel,
    screen: new Screen({ io, output, terminal, liveFrom: isNew ? 0 : channel.channel.end }),
    input: watches ? undefined : input,
    quitKeys: watches && terminal ? input : undefined,
    escapeCharacter: terminal && escapeCharacter,
    greeting: isNew || !terminal ? undefined : greetingFor(channel, options),
  })
}

/** Where the cursor is nobody knows: what is said next has a line of its own. */
async function leaveLine({ output }: Context, terminal: LocalTerminal): Promise<void> {
  terminal[Symbol.dispose]()
  await output.bytes('stderr', Buffer.from('\n')).catch(() => undefined)
}

function greetingFor(channel: SteadyChannel, { watches, escapeCharacter }: SitDownOptions): string {
  if (watches) return 'watching; q leaves'
  const leaving =
    escapeCharacter === undefined ? '' : `; ${escapeCharacter}d leaves, ${escapeCharacter}? helps`
  if (channel.isDriver) return `attached${leaving}`
  return `somebody else has the keyboard: you watch; --take-over takes it${leaving}`
}
