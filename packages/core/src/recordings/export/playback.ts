import { MAX_TERMINAL_SIDE, type TerminalSize } from '../../model/terminal.js'
import type { ChannelFinish, ChannelStart, RecordingRecord } from '../format/record.js'
import { PlainText } from '../replay-safety/plain-text.js'
import { SafeTerminal } from '../replay-safety/safe-terminal.js'

/** What is shown of a recording, safe for any terminal. Times are microseconds since it began. */
export type PlayedEvent =
  /** A marker is a command that begins, a notice is what Krown says about the recording. */
  | {
      readonly kind: 'output' | 'input' | 'marker' | 'notice'
      readonly timeUs: number
      readonly text: string
    }
  | { readonly kind: 'resize'; readonly timeUs: number; readonly size: TerminalSize }
  /** What ran in the terminal ended; the exit code, as text. */
  | { readonly kind: 'exit'; readonly timeUs: number; readonly text: string }

/** For a terminal, or to read. */
export type Rendering = 'terminal' | 'text'

interface PlayedChannel {
  readonly number: number
  readonly start: ChannelStart | undefined
  readonly streams: Readonly<Record<'stdout' | 'stderr', PlayedStream>>
}

/** Of what ran without a terminal. */
const USUAL_SIZE: TerminalSize = { columns: 120, rows: 30 }

/** Turns the records of a recording into what is shown of it, in one pass; memory is bounded by what runs at one time. */
export class Playback {
  readonly #rendering: Rendering
  readonly #hasTerminal: boolean
  readonly #channels = new Map<number, PlayedChannel>()
  #size = USUAL_SIZE
  #term: string | null = null
  /** The channel whose output is shown, of several. */
  #shown = 0
  #atLineStart = true

  constructor({ rendering, hasTerminal }: { rendering: Rendering; hasTerminal: boolean }) {
    this.#rendering = rendering
    this.#hasTerminal = hasTerminal
  }

  /** Of the terminal right now. */
  get size(): TerminalSize {
    return this.#size
  }

  /** Value of TERM where it ran; null without a terminal. */
  get term(): string | null {
    return this.#term
  }

  take(record: RecordingRecord): PlayedEvent[] {
    const { kind, timeUs, data } = record
    if (kind === 'stdout' || kind === 'stderr') return this.#output(record, kind)
    if (kind === 'channel_start') return this.#begin(record)
    if (kind === 'channel_end') return this.#end(record)
    if (kind === 'resize') return this.#resize(record)
    if (kind === 'marker') return [{ kind: 'notice', timeUs, text: plain(data.toString('utf8')) }]
    if (kind === 'gap') return [this.#gap(record)]
    if (kind === 'input') return [{ kind, timeUs, text: data.toString('utf8') }]
    return []
  }

  #output(
    { kind, channel: number, timeUs, data }: RecordingRecord,
    stream: 'stdout' | 'stderr',
  ): PlayedEvent[] {
    const channel = this.#channels.get(number) ?? this.#open(number, undefined)
    const text = channel.streams[stream].show(kind === 'channel_end' ? undefined : data)
    if (text === '') return []
    const heading = this.#shown === number ? '' : this.#heading(channel)
    this.#atLineStart = text.endsWith('\n')
    return [{ kind: 'output', timeUs, text: heading + text }]
  }

  #begin({ channel: number, timeUs, data }: RecordingRecord): PlayedEvent[] {
    const start = parse<ChannelStart>(data)
    const channel = this.#open(number, start)
    if (start?.terminal) {
      this.#term = start.terminal.term
      this.#setSize(start.terminal)
    }
    const label = start?.command ? plain(start.command) : (start?.kind ?? '')
    const marker: PlayedEvent = { kind: 'marker', timeUs, text: label }
    if (this.#hasTerminal) return start?.command ? [marker] : []
    return [marker, { kind: 'output', timeUs, text: this.#heading(channel) }]
  }

  /** Says which command printed what follows: of several at one time the lines would be anybody's. */
  #heading({ number, start }: PlayedChannel): string {
    this.#shown = number
    if (this.#hasTerminal) return ''
    const end = this.#rendering === 'text' ? '\n' : '\r\n'
    const line = `$ ${plain(start?.command ?? '').replaceAll('\n', end)}`
    const before = this.#atLineStart ? '' : end
    this.#atLineStart = true
    return this.#rendering === 'text' ? before + line + end : `${before}\u001b[0;2m${line}\u001b[0m${end}`
  }

  #end(record: RecordingRecord): PlayedEvent[] {
    const { channel: number, timeUs, data } = record
    const cutOff = (['stdout', 'stderr'] as const).flatMap((stream) => this.#output(record, stream))
    this.#channels.delete(number)
    const exitCode = parse<ChannelFinish>(data)?.exitCode
    if (!this.#hasTerminal || exitCode === null || exitCode === undefined) return cutOff
    return [...cutOff, { kind: 'exit', timeUs, text: String(exitCode) }]
  }

  #resize({ timeUs, data }: RecordingRecord): PlayedEvent[] {
    const size = parse<TerminalSize>(data)
    if (!size || !this.#hasTerminal) return []
    this.#setSize(size)
    return [{ kind: 'resize', timeUs, size: this.#size }]
  }

  #setSize({ columns, rows }: TerminalSize): void {
    this.#size = { columns: side(columns), rows: side(rows) }
    for (const { streams } of this.#channels.values()) {
      streams.stdout.resize(this.#size)
      streams.stderr.resize(this.#size)
    }
  }

  #gap({ timeUs, data }: RecordingRecord): PlayedEvent {
    const bytes = parse<{ bytes: number }>(data)?.bytes ?? 0
    return { kind: 'notice', timeUs, text: `${bytes} bytes of output were not recorded` }
  }

  #open(number: number, start: ChannelStart | undefined): PlayedChannel {
    const raw = start?.terminal === null || !this.#hasTerminal
    const stream = () => new PlayedStream({ rendering: this.#rendering, size: this.#size, raw })
    const channel = { number, start, streams: { stdout: stream(), stderr: stream() } }
    this.#channels.set(number, channel)
    return channel
  }
}

/** One stream of bytes: characters and escape sequences may be cut anywhere between its records. */
class PlayedStream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #filter: SafeTerminal | PlainText
  readonly #addsReturns: boolean
  #afterReturn = false

  /** @param options.raw No terminal made CR LF of its line ends. */
  constructor({ rendering, size, raw }: { rendering: Rendering; size: TerminalSize; raw: boolean }) {
    this.#filter = rendering === 'text' ? new PlainText() : new SafeTerminal(size)
    this.#addsReturns = raw && rendering === 'terminal'
  }

  resize(size: TerminalSize): void {
    if (this.#filter instanceof SafeTerminal) this.#filter.resize(size)
  }

  /** @param data Undefined when nothing follows. */
  show(data: Buffer | undefined): string {
    const text = this.#filter.filter(this.#decoder.decode(data, { stream: data !== undefined }))
    if (!this.#addsReturns || text === '') return text
    const before = this.#afterReturn ? '\r' : ''
    this.#afterReturn = text.endsWith('\r')
    return (before + text).replaceAll(/\r?\n/g, '\r\n').slice(before.length)
  }
}

function plain(text: string): string {
  return new PlainText().filter(text)
}

function side(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(Math.trunc(value), 1), MAX_TERMINAL_SIDE) : 1
}

function parse<T>(data: Buffer): T | undefined {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
