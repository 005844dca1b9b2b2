import type { Clock } from '../base/clock.js'
import { raceSignal, startDeadline } from '../base/deadline.js'
import { defer } from '../base/deferred.js'
import { KrownError } from '../errors/krown-error.js'
import { targetTimeout } from './error-mapping.js'
import { ForwardedLink } from './forwarded-link.js'
import { atHop, type Hop } from './hop.js'
import { openForwardChannel, type Ssh2Channel, type Ssh2Internals, takesPackets } from './ssh2-internals.js'

export interface ForwardRequest {
  readonly host: string
  readonly port: number
  /** For the jump host's answer, which comes when it has resolved the name and has connected. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** What a forward needs of the connection to the jump host. */
export interface ForwardHost {
  /** What errors call it. */
  readonly hop: Hop | null
  readonly clock: Clock
  readonly internals: Ssh2Internals
  readonly closedBecause: KrownError | null
  drained(): Promise<void>
  /** Breaks the connection: the jump host broke the protocol. */
  onProtocolViolation(reason: string): void
}

/** SSH_OPEN_CONNECT_FAILED, RFC 4254 §5.1. */
const CONNECT_FAILED = 2

/**
 * Has a jump host connect to where only it can.
 *
 * @throws KrownError TARGET_CHANNEL_REFUSED — the jump host does not forward; or why its connection ended. Both name it.
 * @throws KrownError TARGET_UNREACHABLE or TARGET_TIMEOUT — it cannot connect there; the signal's reason.
 */
export async function openForward(host: ForwardHost, request: ForwardRequest): Promise<ForwardedLink> {
  const reason = () => targetTimeout('connect')
  using deadline = startDeadline(host.clock, request.timeoutMs, { reason, parent: request.signal })
  const opening = defer<Ssh2Channel>()
  requireOpen(host)
  openForwardChannel(host.internals, request, (error, channel) => {
    if (error) opening.reject(notForwarded(error, host))
    // Too late: whoever waited has gone.
    else if (deadline.signal.aborted) channel.close()
    else opening.resolve(channel)
  })
  const channel = await raceSignal(opening.promise, deadline.signal)
  if (!takesPackets(channel)) host.onProtocolViolation('packet_size')
  requireOpen(host)
  return new ForwardedLink(channel, () => host.drained())
}

function requireOpen({ hop, closedBecause }: ForwardHost): void {
  if (closedBecause) throw atHop(hop, closedBecause)
}

/** Of the jump host's refusals, only this one is about where it should connect. */
function notForwarded(
  { reason }: Error & { reason?: unknown },
  { hop, closedBecause }: ForwardHost,
): unknown {
  if (closedBecause) return atHop(hop, closedBecause)
  if (reason === CONNECT_FAILED) {
    const from = hop ? `jump host ${hop.name}` : 'here'
    const details = { phase: 'connect' }
    return new KrownError('TARGET_UNREACHABLE', `the target cannot be reached from ${from}`, { details })
  }
  const details = { phase: 'channel', ...(typeof reason === 'number' && { reason }) }
  const refused = new KrownError('TARGET_CHANNEL_REFUSED', 'the target refuses to forward', { details })
  return atHop(hop, refused)
}
