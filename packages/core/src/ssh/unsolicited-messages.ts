import type { Ssh2Internals } from './ssh2-internals.js'

const ADMINISTRATIVELY_PROHIBITED = 1

/**
 * Refuses whatever the target asks of us: channels (forwarded ports, X11, agents) and global requests.
 *
 * ssh2 would refuse most of it too, but it answers `hostkeys-00@openssh.com` with a proof request and checks every
 * key in it, and it keeps a channel id for each socket path that happens to be a property of every object.
 *
 * @param onMessage Called per message; the caller counts.
 */
export function refuseUnsolicited({ _protocol: protocol }: Ssh2Internals, onMessage: () => void): void {
  const handlers = protocol._handlers
  handlers.CHANNEL_OPEN = (_protocol, { sender }) => {
    protocol.channelOpenFail(sender, ADMINISTRATIVELY_PROHIBITED, '')
    onMessage()
  }
  handlers.GLOBAL_REQUEST = (_protocol, _name, wantReply) => {
    if (wantReply) protocol.requestFailure()
    onMessage()
  }
  handlers.DEBUG = onMessage
}
