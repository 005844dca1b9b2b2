import type { ChannelEvent } from '@krown/sdk'
import type { Io } from '../io.js'
import type { Output } from '../output/output.js'
import { visible } from '../output/visible.js'
import { HarmlessOutput } from './harmless-output.js'
import type { LocalTerminal } from './local-terminal.js'

export interface ScreenParts {
  readonly io: Io
  readonly output: Output
  /** Undefined where the output goes to a file or a pipe only. */
  readonly terminal: LocalTerminal | undefined
  /** What was printed before this offset was meant for another terminal: what it asks is not for this one to answer. */
  readonly liveFrom: number
}

type OutputEvent = Extract<ChannelEvent, { type: 'output' }>

/** Where the output of a channel is shown, and what krown itself has to say between it. */
export class Screen {
  readonly #parts: ScreenParts
  #filter: { readonly forTyping: boolean; readonly harmless: HarmlessOutput } | undefined

  constructor(parts: ScreenParts) {
    this.#parts = parts
  }

  get liveFrom(): number {
    return this.#parts.liveFrom
  }

  /** @param drives Whoever types gets every byte as it is. */
  async show({ stream, offset, data }: OutputEvent, { drives }: { drives: boolean }): Promise<void> {
    const before = Math.min(data.length, Math.max(0, this.#parts.liveFrom - offset))
    const held = drives ? data.subarray(0, before) : data
    const live = data.subarray(held.length)
    if (held.length > 0) await this.#write(stream, this.#harmless(held, drives))
    if (live.length === 0) return
    this.#filter = undefined
    await this.#write(stream, live)
  }

  /** On a line of its own, dimmed. */
  async notice(text: string): Promise<void> {
    if (!this.#parts.terminal) return this.#parts.output.note(text)
    const line = `\r\n\u001b[2m[krown: ${visible(text)}]\u001b[22m\r\n`
    await this.#toTerminal(line)
  }

  /** Lines that this program made, on a terminal. */
  async help(lines: string): Promise<void> {
    await this.#toTerminal(`\r\n${lines}\r\n`)
  }

  #harmless(data: Uint8Array, forTyping: boolean): Uint8Array {
    if (this.#filter?.forTyping !== forTyping)
      this.#filter = { forTyping, harmless: new HarmlessOutput({ forTyping }) }
    return Buffer.from(this.#filter.harmless.filter(data))
  }

  async #write(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void> {
    this.#parts.terminal?.follow(data)
    await this.#parts.output.bytes(stream, data)
  }

  async #toTerminal(text: string): Promise<void> {
    // Nothing depends on somebody reading it.
    await this.#parts.output.bytes('stderr', Buffer.from(text)).catch(() => undefined)
  }
}
