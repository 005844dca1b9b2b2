import { type ExecHandler, waitFor } from '@krown/testkit'

/** A command that prints without end, for the `onExec` of a hostile server, and counts what the client took. */
export class CountedFlood {
  /** Bytes that went into the flow window. */
  taken = 0
  closed = false

  readonly onExec: ExecHandler = (_command, channel, context) => {
    const chunk = Buffer.alloc(32 * 1024, 'krown flood\n')
    channel.once('close', () => {
      this.closed = true
    })
    const next = () => {
      if (this.closed) return
      channel.write(chunk, () => {
        this.taken += chunk.length
        setImmediate(next)
      })
    }
    context.onSignal((name) => {
      this.closed = true
      channel.exit(name)
      channel.close()
    })
    next()
  }

  /** Resolves when the client takes no more, with what it took by then. */
  async held(): Promise<number> {
    let last = -1
    let quiet = 0
    const isQuiet = () => {
      quiet = this.taken === last ? quiet + 1 : 0
      last = this.taken
      return this.taken > 0 && quiet >= 40
    }
    await waitFor(isQuiet, { what: 'the flood to be held back', timeoutMs: 20_000 })
    return this.taken
  }

  /** Resolves when the client took that much. */
  async tookMoreThan(bytes: number): Promise<void> {
    await waitFor(() => this.taken > bytes, { what: 'the flood to flow', timeoutMs: 20_000 })
  }
}
