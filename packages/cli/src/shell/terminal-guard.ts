import { type ChildProcess, spawn } from 'node:child_process'

// Signals that end us must not end it. TTOU: from the background it may still set the terminal. The pause lets a shell
// that gets the terminal back do so first: what it changed since is left as it is.
const SCRIPT = `
trap '' INT TERM QUIT TSTP TTOU
while IFS= read -r line; do reset=$line; done
sleep 0.2
if [ "$(stty -g < /dev/tty)" = "$1" ]; then stty "$2" < /dev/tty; fi
printf "$reset" > /dev/tty
`

/** A small process that sees us end, even by SIGKILL, and then does for the terminal what we no longer can. */
export class TerminalGuard implements Disposable {
  readonly #child: ChildProcess

  /** @param settings As `stty -g` has them: what was set here, and what is to be set again. */
  constructor(settings: { ours: string; before: string }) {
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'krown', settings.ours, settings.before], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    // Without it, or when it ends early, there is no guard: nothing else depends on it.
    this.#child.on('error', () => undefined)
    this.#child.stdin?.on('error', () => undefined)
  }

  /** @param reset What to write to the terminal then. */
  remember(reset: string): void {
    this.#child.stdin?.write(`${asFormat(reset)}\n`)
  }

  /** The terminal is as it was. */
  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}

/** For printf(1): everything but letters and digits by its number. */
function asFormat(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  })
}
