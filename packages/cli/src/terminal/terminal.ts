import { closeSync, openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { interrupted, usageError } from '../cli-error.js'
import type { Io } from '../io.js'
import { Line } from './line.js'

/** The person at the keyboard, who is asked there even when standard input or output are something else. */
export class Terminal implements Disposable {
  readonly #input: ReadStream
  readonly #write: (text: string) => void
  readonly #close: () => void
  readonly #waiting: string[] = []
  #wake: (() => void) | undefined
  #ended = false

  constructor(input: ReadStream, write: (text: string) => void, close: () => void) {
    this.#input = input
    this.#write = write
    this.#close = close
    input.setEncoding('utf8')
    input.on('data', (text: string) => {
      this.#waiting.push(...text)
      this.#wake?.()
    })
    const end = () => {
      this.#ended = true
      this.#wake?.()
    }
    input.on('end', end).on('error', end)
  }

  /** @param options.hidden Nothing of the answer is shown. */
  async ask(question: string, options: { hidden?: boolean } = {}): Promise<string> {
    // Echo, editing and Ctrl-C are ours from here on: before the question, as some answer at once.
    this.#input.setRawMode(true)
    this.#input.resume()
    try {
      this.#write(question)
      return await this.#readLine(new Line(options.hidden ? () => undefined : this.#write))
    } finally {
      this.#input.setRawMode(false)
      this.#input.pause()
      this.#write('\r\n')
    }
  }

  /** Yes only when somebody says so. */
  async confirm(question: string): Promise<boolean> {
    return /^y(es)?$/i.test((await this.ask(`${question} [y/N] `)).trim())
  }

  [Symbol.dispose](): void {
    this.#input.destroy()
    this.#close()
  }

  async #readLine(line: Line): Promise<string> {
    for (;;) {
      const key = await this.#nextKey()
      if (key === undefined) throw usageError('the terminal was closed before there was an answer')
      const state = line.press(key)
      if (state === 'done') return line.text
      if (state === 'interrupted') throw interrupted()
    }
  }

  async #nextKey(): Promise<string | undefined> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#waiting.shift()
  }
}

/** Undefined where nobody can be asked. */
export function openTerminal(io: Io): Terminal | undefined {
  if (io.platform === 'win32') return openStandardInput(io)
  const descriptor = openControllingTerminal()
  if (descriptor === undefined) return undefined
  const write = (text: string) => void writeSync(descriptor, text)
  return new Terminal(new ReadStream(openSync('/dev/tty', 'r')), write, () => closeSync(descriptor))
}

function openControllingTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'w')
  } catch {
    return undefined
  }
}

function openStandardInput({ stdin, stderr }: Io): Terminal | undefined {
  if (!stdin.isTTY) return undefined
  return new Terminal(
    stdin,
    (text) => void stderr.write(text),
    () => undefined,
  )
}
