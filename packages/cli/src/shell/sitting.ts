import type { ChannelEvent, CommandSummary } from '@krown/sdk'
import { Interrupts } from '../exec/interrupts.js'
import type { Io } from '../io.js'
import { isCode } from '../output/explain-error.js'
import { type EscapeRequest, escapeHelp } from './escape-keys.js'
import { Keyboard } from './keyboard.js'
import { terminalSize } from './local-terminal.js'
import type { Screen } from './screen.js'
import type { SteadyChannel } from './steady-channel.js'

export interface SittingParts {
  readonly io: Io
  readonly channel: SteadyChannel
  readonly screen: Screen
  /** What is typed, or what a pipe brings; undefined: nothing is sent. */
  readonly input: AsyncIterable<Uint8Array> | undefined
  /** Keys that end watching are looked for there. */
  readonly quitKeys?: AsyncIterable<Uint8Array> | undefined
  /** Undefined: there are no escapes. */
  readonly escapeCharacter: string | undefined
  /** Said when everything is shown that was there before; undefined of a channel that is new. */
  readonly greeting: string | undefined
}

/** How it ended: with what ran, because somebody wanted so, or by a signal. */
export interface Ending {
  /** Undefined when it runs on. */
  readonly command?: CommandSummary
  readonly signal?: NodeJS.Signals
}

/** q, Ctrl-C and Ctrl-D. */
const QUIT = [0x71, 0x51, 0x03, 0x04]

/** Somebody at a channel, from sitting down to leaving. */
export class Sitting {
  readonly #parts: SittingParts
  readonly #keyboard: Keyboard
  readonly #resized = () => void this.#passSize().catch(() => undefined)
  #isEnding = false
  #isGreeted = false
  /** When it was last told. */
  #wasDriver: boolean

  constructor(parts: SittingParts) {
    this.#parts = parts
    this.#wasDriver = parts.channel.isDriver
    this.#keyboard = new Keyboard(
      {
        send: (keys) => this.#send(keys),
        request: (request) => void this.#heed(request),
        end: () => this.#endInput(),
      },
      parts.escapeCharacter,
    )
  }

  /** Passes input and output until the end. */
  async run(): Promise<Ending> {
    const { io, input, quitKeys, channel } = this.#parts
    using interrupts = new Interrupts((signal) => void (signal === 'SIGINT' ? this.#end() : channel.leave()))
    io.stdout.on('resize', this.#resized)
    try {
      // Whoever types may never end: only the channel decides when it is over.
      if (input) void this.#keyboard.read(input).catch(() => channel.leave())
      if (quitKeys) void this.#awaitQuit(quitKeys)
      const command = await this.#passOutput()
      const signal = interrupts.received
      return { ...(command && { command }), ...(signal && { signal }) }
    } finally {
      io.stdout.off('resize', this.#resized)
      await channel.leave()
    }
  }

  /** The way there broke: what was typed since may or may not have arrived. */
  async lost(): Promise<void> {
    this.#keyboard.forget()
    await this.#parts.screen.notice(
      'the connection is lost; trying to come back, without what is typed meanwhile',
    )
  }

  async back(): Promise<void> {
    await this.#parts.screen.notice('the connection is back')
    await this.#redraw().catch(() => undefined)
  }

  /** Has a program that uses the whole screen draw it again, in the size of this terminal. */
  async #redraw(): Promise<void> {
    const { channel, io } = this.#parts
    if (!channel.isDriver || !channel.channel.terminal || !io.stdout.isTTY) return
    const { columns, rows } = terminalSize(io)
    // Only a size that is another one is told to it.
    await channel.handle?.resize({ columns, rows: rows > 1 ? rows - 1 : rows + 1 })
    await this.#passSize()
  }

  async #passSize(): Promise<void> {
    const { channel, io } = this.#parts
    if (channel.isDriver && channel.channel.terminal) await channel.handle?.resize(terminalSize(io))
  }

  async #passOutput(): Promise<CommandSummary | undefined> {
    await this.#greetAt(this.#parts.channel.offset)
    for await (const event of this.#parts.channel.events()) {
      if (event.type === 'closed') return event.command
      await this.#show(event)
      await this.#greetAt(this.#parts.channel.offset)
    }
    return undefined
  }

  /** Not before what was there is shown, which may clear the screen. */
  async #greetAt(offset: number): Promise<void> {
    const { screen, greeting, channel, io } = this.#parts
    if (this.#isGreeted || offset < screen.liveFrom) return
    this.#isGreeted = true
    if (greeting === undefined) return
    await screen.notice(greeting)
    const { terminal } = channel.channel
    const advice = terminal && !channel.isDriver ? sizeAdvice(terminal, io) : undefined
    if (advice) await screen.notice(advice)
    await this.#redraw().catch(() => undefined)
  }

  async #show(event: Exclude<ChannelEvent, { type: 'closed' }>): Promise<void> {
    const { channel, screen, io, input } = this.#parts
    if (event.type === 'output') return screen.show(event, { drives: channel.isDriver })
    if (event.type === 'gap')
      return screen.notice(`${event.toOffset - event.fromOffset} bytes of output are left out here`)
    if (event.type === 'keyboard') {
      const drives = event.role === 'driver'
      const isNews = drives !== this.#wasDriver
      this.#wasDriver = drives
      if (input && isNews) await screen.notice(keyboardNotice(drives))
    } else if (!channel.isDriver) {
      const advice = sizeAdvice(event, io)
      if (advice) await screen.notice(advice)
    }
  }

  async #send(keys: Uint8Array): Promise<void> {
    const { channel } = this.#parts
    if (!channel.isDriver) return
    try {
      await channel.handle?.write(keys)
    } catch (error) {
      // Lost with the connection; or it has ended, or somebody else types: events tell.
      if (isCode(error, 'CONNECTION_LOST') || isCode(error, 'CONFLICT') || isCode(error, 'NOT_FOUND')) return
      await this.#parts.screen.notice(error instanceof Error ? error.message : 'what was typed was refused')
    }
  }

  async #endInput(): Promise<void> {
    const { channel } = this.#parts
    if (channel.isDriver) await channel.handle?.endInput().catch(() => undefined)
  }

  async #heed(request: EscapeRequest): Promise<void> {
    const { channel, screen, escapeCharacter = '~' } = this.#parts
    if (request === 'help') return screen.help(escapeHelp(escapeCharacter))
    if (request === 'leave') return channel.leave()
    if (channel.handle && !channel.isDriver)
      return screen.notice(`somebody else has the keyboard; ${escapeCharacter}d leaves`)
    return this.#end()
  }

  /** Asked twice, or with nobody to ask, it is only left. */
  async #end(): Promise<void> {
    const { channel, screen } = this.#parts
    if (this.#isEnding || !channel.handle) return channel.leave()
    this.#isEnding = true
    await screen.notice('ending the shell; once more leaves it to itself')
    await channel.handle?.close().catch(() => channel.leave())
  }

  async #awaitQuit(input: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of input)
      if (QUIT.some((key) => chunk.includes(key))) return this.#parts.channel.leave()
  }
}

/** For who looks at a terminal that is larger than the own one. */
export function sizeAdvice(there: { columns: number; rows: number }, io: Io): string | undefined {
  const here = terminalSize(io)
  if (!io.stdout.isTTY || (here.columns >= there.columns && here.rows >= there.rows)) return undefined
  const [wanted, own] = [there, here].map(({ columns, rows }) => `${columns}x${rows}`)
  return `the terminal there is ${wanted}, this one ${own}: make it larger to see all of it`
}

function keyboardNotice(isDriver: boolean): string {
  return isDriver
    ? 'you have the keyboard'
    : 'somebody else took the keyboard: you watch; leave and attach again with --take-over to have it back'
}
