import type { Ssh2Channel, Ssh2Internals } from './ssh2-internals.js'

/**
 * Holds the target to the flow window (RFC 4254 §5.2), which ssh2 announces and does not enforce: it buffers
 * whatever arrives, or, when the window happens to be exactly used up, drops it without a word.
 *
 * Looks at every data message, at the cost of two additions: polling would be late by gigabytes.
 *
 * @param options.maxUnreadBytes Per channel, both streams together. A target that keeps to the window cannot cause
 * more than 3.2 MB, because ssh2 widens the 2 MiB window again when half of it is used up.
 */
export function watchWindows(
  client: Ssh2Internals,
  options: { maxUnreadBytes: number; onViolation: () => void },
): void {
  const handlers = client._protocol._handlers
  const { CHANNEL_DATA: data, CHANNEL_EXTENDED_DATA: extendedData } = handlers
  const check = (channel: Ssh2Channel | null) => {
    if (channel && unreadBytes(channel) > options.maxUnreadBytes) options.onViolation()
  }
  handlers.CHANNEL_DATA = (...message) => {
    const channel = openChannel(client, message[1])
    data(...message)
    check(channel)
  }
  handlers.CHANNEL_EXTENDED_DATA = (...message) => {
    const channel = openChannel(client, message[1])
    extendedData(...message)
    check(channel)
  }
}

function openChannel(client: Ssh2Internals, id: number): Ssh2Channel | null {
  const channel = client._chanMgr.get(id)
  if (typeof channel !== 'object') return null
  // Zero is where ssh2 drops data. Below zero it keeps it, so that it is counted, and nothing is lost on the way to
  // the recording.
  if (channel.incoming.window === 0) channel.incoming.window = -1
  return channel
}

function unreadBytes(channel: Ssh2Channel): number {
  return channel.readableLength + channel.stderr.readableLength
}
