import type { ChannelId, RemoteKrownClient } from '@krown/sdk'
import type { Context } from '../context.js'
import { LocalTerminal } from './local-terminal.js'
import { Screen } from './screen.js'
import { type Ending, Sitting, sizeAdvice } from './sitting.js'
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
export async function sitDown(
  { context, client }: SitDownParts,
  id: ChannelId,
  options: SitDownOptions,
): Promise<Ending> {
  const { io, output } = context
  const { watches = false, takeOver = false, isNew = false, input, escapeCharacter } = options
  let sitting: Sitting | undefined
  const way = { lost: () => void sitting?.lost(), back: () => void sitting?.back() }
  const role = watches ? ({ role: 'watcher' } as const) : { takeOver }
  const channel = await SteadyChannel.attach(client, id, { ...role, ...(isNew && { offset: 0 }), way })
  const isTerminal = Boolean(io.stdin.isTTY)
  using terminal = isTerminal
    ? new LocalTerminal(io, channel.channel.terminal ? 'exact' : 'lines')
    : undefined
  const screen = new Screen({ io, output, terminal, liveFrom: isNew ? 0 : channel.channel.end })
  sitting = new Sitting({
    io,
    channel,
    screen,
    input: watches ? undefined : input,
    quitKeys: watches && isTerminal ? input : undefined,
    escapeCharacter: isTerminal ? escapeCharacter : undefined,
  })
  const greeting = isNew ? undefined : greetingFor(channel, { watches, escapeCharacter, isTerminal })
  if (greeting) await screen.notice(greeting)
  const advice = !channel.isDriver && channel.channel.terminal && sizeAdvice(channel.channel.terminal, io)
  if (advice) await screen.notice(advice)
  if (!isNew) await sitting.redraw().catch(() => undefined)
  return await sitting.run()
}

function greetingFor(
  channel: SteadyChannel,
  { watches, escapeCharacter, isTerminal }: Partial<SitDownOptions> & { isTerminal: boolean },
): string | undefined {
  if (!isTerminal) return undefined
  if (watches) return 'watching; q leaves'
  const leaving =
    escapeCharacter === undefined ? '' : `; ${escapeCharacter}d leaves, ${escapeCharacter}? helps`
  if (channel.isDriver) return `attached${leaving}`
  return `somebody else has the keyboard: you watch; --take-over takes it${leaving}`
}
