import type { ChannelEvent, ChannelHandle, CommandSummary } from '@krown/core/model'

/** What a terminal has to be able to do: `Terminal` of `@xterm/xterm` or `@xterm/headless`. */
export interface TerminalLike {
  readonly cols: number
  readonly rows: number
  write(data: Uint8Array | string, done?: () => void): void
  resize(columns: number, rows: number): void
  onData(listener: (text: string) => void): { dispose(): void }
  /** Bytes that are no text, one a character. */
  onBinary(listener: (bytes: string) => void): { dispose(): void }
  onResize(listener: (size: { cols: number; rows: number }) => void): { dispose(): void }
}

export interface ShellAddonOptions {
  /** Told when something typed, or a new size, was refused: somebody took the keyboard, the connection was lost. */
  readonly onRefused?: (error: unknown) => void
}

/**
 * Binds a shell, or any channel, to an xterm.js terminal: what it prints goes to the terminal, what is typed and the size
 * of the terminal go to it. Output is acknowledged when the terminal has drawn it, so that a program which prints faster
 * than that waits. While somebody else has the keyboard nothing typed is sent, and the terminal takes the other's size.
 *
 * @example
 * const terminal = new Terminal()
 * const addon = new ShellAddon(await session.shell({ columns: terminal.cols, rows: terminal.rows }))
 * terminal.loadAddon(addon)
 * const command = await addon.ended
 */
export class ShellAddon {
  /**
   * How it ended; null when the addon was disposed of before. Rejects with the KrownClientError that ended the reading
   * early, such as `CONNECTION_LOST` or `READER_TOO_SLOW`.
   */
  readonly ended: Promise<CommandSummary | null>
  readonly #shell: ChannelHandle
  readonly #onRefused: (error: unknown) => void
  readonly #disposed: Promise<void>
  #settle: (ended: CommandSummary | null | Promise<CommandSummary | null>) => void = () => {}
  #dispose: () => void = () => {}
  #listeners: { dispose(): void }[] = []
  #isDisposed = false

  constructor(shell: ChannelHandle, { onRefused = () => {} }: ShellAddonOptions = {}) {
    this.#shell = shell
    this.#onRefused = onRefused
    this.ended = new Promise((resolve) => {
      this.#settle = resolve
    })
    // Whoever waits for it hears of it.
    this.ended.catch(() => {})
    this.#disposed = new Promise((resolve) => {
      this.#dispose = resolve
    })
  }

  /** Called by `terminal.loadAddon`. */
  activate(terminal: TerminalLike): void {
    this.#listeners = [
      terminal.onData((text) => this.#type(text)),
      terminal.onBinary((bytes) => this.#type(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))),
      terminal.onResize(() => this.#sendSize(terminal)),
    ]
    const { terminal: size } = this.#shell.channel
    if (this.#shell.role === 'driver') this.#sendSize(terminal)
    else if (size) terminal.resize(size.columns, size.rows)
    this.#settle(this.#show(terminal))
  }

  /** Leaves the shell, which runs on. */
  dispose(): void {
    this.#isDisposed = true
    this.#stopListening()
    this.#dispose()
    this.#settle(null)
    this.#shell.detach().catch(() => {})
  }

  async #show(terminal: TerminalLike): Promise<CommandSummary | null> {
    try {
      for await (const event of this.#shell.events()) {
        if (event.type === 'closed') return event.command
        await this.#apply(terminal, event)
        if (this.#isDisposed) break
      }
      return null
    } finally {
      this.#stopListening()
    }
  }

  async #apply(terminal: TerminalLike, event: ChannelEvent): Promise<void> {
    const { role } = this.#shell
    if (event.type === 'output') await this.#draw(terminal, event.data)
    if (event.type === 'gap') await this.#draw(terminal, missed(event))
    if (event.type === 'keyboard') this.#sendSize(terminal)
    if (event.type === 'resized' && role === 'watcher') terminal.resize(event.columns, event.rows)
  }

  /** A terminal that is disposed of calls nobody back. */
  async #draw(terminal: TerminalLike, data: Uint8Array | string): Promise<void> {
    await Promise.race([new Promise<void>((resolve) => terminal.write(data, resolve)), this.#disposed])
  }

  #type(data: string | Uint8Array): void {
    if (this.#shell.role === 'driver') this.#shell.write(data).catch(this.#onRefused)
  }

  #sendSize({ cols, rows }: TerminalLike): void {
    const { terminal } = this.#shell.channel
    if (terminal && this.#shell.role === 'driver') {
      this.#shell.resize({ columns: cols, rows }).catch(this.#onRefused)
    }
  }

  #stopListening(): void {
    for (const listener of this.#listeners) listener.dispose()
    this.#listeners = []
  }
}

function missed({ fromOffset, toOffset }: { fromOffset: number; toOffset: number }): string {
  return `\r\n\u001b[2m[${toOffset - fromOffset} bytes were missed]\u001b[22m\r\n`
}
