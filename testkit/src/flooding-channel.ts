import type { ServerChannel } from 'ssh2'

export interface WindowFlood {
  totalBytes: number
  /**
   * Of one packet; default 32000. A divisor of the peer's window (2 MiB with ssh2) would end exactly at zero, and
   * there ssh2 throws the rest away instead of taking it.
   */
  chunkBytes?: number
}

/** The parts of ssh2's channel which its types do not show. */
interface ChannelInternals {
  outgoing: { id: number; state: string }
  _client: {
    _protocol: { channelData(channelId: number, data: Buffer): void }
    _sock: { writableNeedDrain: boolean; destroyed: boolean }
  }
}

/**
 * Sends channel data without looking at the peer's flow window (RFC 4254 §5.2 forbids it). Follows TCP's own
 * back-pressure only.
 *
 * @returns bytes sent: fewer than `totalBytes` when the peer closed the channel or the connection.
 */
export async function floodPastWindow(channel: ServerChannel, flood: WindowFlood): Promise<number> {
  const { outgoing, _client: client } = channel as unknown as ChannelInternals
  const chunk = Buffer.alloc(flood.chunkBytes ?? 32_000, 'x')
  let sent = 0
  while (sent < flood.totalBytes && outgoing.state === 'open' && !client._sock.destroyed) {
    if (client._sock.writableNeedDrain) {
      await nextTurn()
      continue
    }
    const data = chunk.subarray(0, Math.min(chunk.length, flood.totalBytes - sent))
    client._protocol.channelData(outgoing.id, data)
    sent += data.length
  }
  return sent
}

function nextTurn(): Promise<void> {
  // Not the socket's `drain`: a peer that goes away would never send it.
  return new Promise((resolve) => setTimeout(resolve, 1))
}
