import type { ServerChannel } from 'ssh2'

/** Sends what is still buffered, then the exit status or signal (`TERM`, without SIG), then closes. */
export function endWith(channel: ServerChannel, exit: number | string | undefined): void {
  channel.stderr.end(() => {
    channel.write(Buffer.alloc(0), () => {
      if (typeof exit === 'number') channel.exit(exit)
      if (typeof exit === 'string') channel.exit(exit)
      channel.end()
    })
  })
}
