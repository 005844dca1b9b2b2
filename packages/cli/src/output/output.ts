import type { Writable } from 'node:stream'
import picocolors from 'picocolors'
import { pipeClosed } from '../cli-error.js'
import type { Io } from '../io.js'
import { type Column, formatTable } from './table.js'
import { escapeJson, visible, visibleLine } from './visible.js'

type Colors = ReturnType<typeof picocolors.createColors>

/** One line, or several; whatever others wrote in them, they stay as many, and harm no terminal. */
export type Rendered = string | readonly string[]

/** Where a command says what it has to say: results on standard output, everything else on standard error. */
export class Output {
  /** The user wants JSON. */
  readonly json: boolean
  readonly #io: Io

  constructor(io: Io, options: { json?: boolean | undefined } = {}) {
    this.#io = io
    this.json = options.json ?? false
  }

  /** Lines that this program made; nobody else wrote anything in them. */
  lines(text: string): Promise<void> {
    return write(this.#io.stdout, `${text}\n`)
  }

  /** A document where JSON is wanted, else what `render` makes of it. */
  result<T>(value: T, render: (value: T) => Rendered): Promise<void> {
    return this.lines(this.json ? toJson(value, 2) : toLines(render(value)))
  }

  /** One of many: one line of JSON, or of what `render` makes of it. */
  item<T>(value: T, render: (value: T) => Rendered): Promise<void> {
    return this.lines(this.json ? toJson(value) : toLines(render(value)))
  }

  /** The page as a document where JSON is wanted, else its items as a table. */
  table<Row>(page: { readonly items: readonly Row[] }, columns: readonly Column<Row>[]): Promise<void> {
    const { isTTY, columns: width } = this.#io.stdout
    const layout = { columns: isTTY ? width : undefined, paintTitles: colorsOf(this.#io, 'stdout').dim }
    return this.lines(this.json ? toJson(page, 2) : formatTable(page.items, columns, layout))
  }

  /** Bytes of a target, as they are. */
  bytes(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void> {
    return write(this.#io[stream], data)
  }

  /** Something worth knowing that is no result; nothing depends on somebody reading it. */
  async note(text: string): Promise<void> {
    await write(this.#io.stderr, `krown: ${visible(text)}\n`).catch(() => undefined)
  }

  /** @param lines The first says what went wrong. */
  async error(lines: readonly string[], json: unknown): Promise<void> {
    if (this.json) return write(this.#io.stderr, `${toJson({ error: json })}\n`)
    const label = colorsOf(this.#io, 'stderr').red('krown:')
    await write(this.#io.stderr, `${label} ${lines.map(visible).join('\n  ')}\n`)
  }
}

function colorsOf({ env, ...io }: Io, stream: 'stdout' | 'stderr'): Colors {
  return picocolors.createColors(Boolean(io[stream].isTTY) && !env.NO_COLOR && env.TERM !== 'dumb')
}

function toLines(rendered: Rendered): string {
  return typeof rendered === 'string' ? visible(rendered) : rendered.map(visibleLine).join('\n')
}

function toJson(value: unknown, indent?: number): string {
  return escapeJson(JSON.stringify(value, null, indent))
}

function write(stream: Writable, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(isClosed(error) ? pipeClosed() : error) : resolve()))
  })
}

function isClosed(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')
}
