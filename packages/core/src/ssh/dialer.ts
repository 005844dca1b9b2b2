import { once } from 'node:events'
import { BlockList, connect, isIP, isIPv6, type Socket } from 'node:net'
import type { Clock } from '../base/clock.js'
import { raceSignal, startDeadline } from '../base/deadline.js'
import { Semaphore } from '../base/semaphore.js'
import { isKrownError, KrownError } from '../errors/krown-error.js'
import type { ResolvedHost } from './connector.js'
import { mapLibraryError, targetTimeout } from './error-mapping.js'
import type { ResolveHost } from './system-resolver.js'

export interface DialerOptions {
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly resolve: ResolveHost
}

export interface DialRequest {
  readonly host: string
  readonly port: number
  /** Throws to refuse; sees every address before a packet is sent. */
  checkAddresses(resolved: ResolvedHost): void
}

const RESOLVE_TIMEOUT_MS = 5_000
const MAX_RESOLVING = 64
const KEEPALIVE_AFTER_MS = 60_000

/** Opens the TCP connection: resolves once, has every address checked, and connects to one that was. */
export class Dialer {
  readonly #options: DialerOptions
  readonly #resolving = new Semaphore(MAX_RESOLVING)

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /** @throws what `checkAddresses` throws, the signal's reason, TARGET_UNREACHABLE or TARGET_TIMEOUT. */
  async dial(request: DialRequest, signal: AbortSignal): Promise<Socket> {
    const { host, port } = request
    const addresses = await this.#resolve(host, signal)
    request.checkAddresses({ host, port, addresses })
    return this.#connectToAny(addresses, port, signal)
  }

  async #resolve(host: string, parent: AbortSignal): Promise<readonly string[]> {
    if (isIP(host)) return [host]
    const reason = () => targetTimeout('resolve')
    using deadline = startDeadline(this.#options.clock, RESOLVE_TIMEOUT_MS, { reason, parent })
    const { signal } = deadline
    const release = await this.#resolving.acquire(signal)
    try {
      const addresses = await raceSignal(this.#options.resolve(host, signal), signal)
      if (addresses.length > 0) return [...new Set(addresses)]
    } catch (error) {
      signal.throwIfAborted()
      throw mapLibraryError('resolve', error)
    } finally {
      release()
    }
    throw mapLibraryError('resolve', new Error('no addresses'))
  }

  /** One after the other, each with an equal share of the time that is left, so that one dead address is no end. */
  async #connectToAny(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
    const { clock, connectTimeoutMs } = this.#options
    const endsAt = clock.monotonic() + connectTimeoutMs
    let failure: unknown
    for (const [index, address] of addresses.entries()) {
      const shareMs = (endsAt - clock.monotonic()) / (addresses.length - index)
      try {
        using deadline = startDeadline(clock, shareMs, {
          reason: () => targetTimeout('connect'),
          parent: signal,
        })
        return await connectTo(address, port, deadline.signal)
      } catch (error) {
        signal.throwIfAborted()
        failure = error
      }
    }
    throw isKrownError(failure) ? failure : mapLibraryError('connect', failure)
  }
}

async function connectTo(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  // Without noDelay each exec waits 40 ms: Nagle's algorithm meets delayed acknowledgements.
  const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_AFTER_MS }
  const socket = connect({ host: address, port, ...options })
  // Stays for life: a socket may fail while nobody else listens, and that would end the process.
  socket.on('error', ignore)
  try {
    await once(socket, 'connect', { signal })
    requirePeer(socket, address)
    return socket
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw error
  }
}

function ignore(): void {}

/** The address was a literal, so this cannot fail; it is here for the day somebody makes it a name. */
function requirePeer({ remoteAddress }: Socket, checked: string): void {
  if (remoteAddress === undefined) throw new Error('closed by the peer')
  const expected = new BlockList()
  expected.addAddress(checked, familyOf(checked))
  if (expected.check(remoteAddress, familyOf(remoteAddress))) return
  throw new KrownError('TARGET_POLICY_DENIED', 'the connection did not reach the address that was checked')
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
