import type { Duplex } from 'node:stream'

/** What an SSH transport is carried by: a TCP socket, or a channel of a jump host. */
export interface Link extends Duplex {
  readonly bytesRead: number
  /** Ends it when everything written has left. */
  destroySoon(): void
}
