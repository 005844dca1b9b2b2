import { KrownError } from '../errors/krown-error.js'
import type { Credential } from './authenticator.js'
import type { SshConnectRequest } from './connector.js'
import type { DialQueue } from './dial-queue.js'
import type { Dialer } from './dialer.js'
import { Handshake, type Handshaken, type HandshakeOptions } from './handshake.js'
import { atHop } from './hop.js'
import { searchKey } from './key-search.js'
import type { Link } from './link.js'
import type { PrivateKeyReader } from './private-key.js'
import { redialDropped } from './redial.js'
import type { ConnectionPlace, Ssh2Connection } from './ssh2-connection.js'
import type { Stop, StopLogin, Stops } from './stops.js'

export interface RouteDialerParts {
  readonly queue: DialQueue
  readonly dialer: Dialer
  readonly keys: PrivateKeyReader
  readonly handshake: HandshakeOptions
  /** For a jump host to connect to the next one. */
  readonly forwardTimeoutMs: number
}

/** What becomes of a connection that was made; called at once, as `Handshake` demands. */
export type Arrive<Result> = (handshaken: Handshaken, place: ConnectionPlace) => Result

export interface Route<Result> extends Stops {
  readonly signal: AbortSignal
  /** For the first stop. */
  checkAddresses: SshConnectRequest['checkAddresses']
  /** Takes over the connection to a jump host; it is closed when the way does not lead further. */
  readonly pass: Arrive<Ssh2Connection>
  /** Takes over the connection to the target, which from then on closes those before it. */
  readonly arrive: Arrive<Result>
}

/** Where a stop is reached from, and with what. */
interface Leg extends Pick<Route<unknown>, 'signal' | 'checkAddresses'> {
  readonly carrier: Ssh2Connection | null
  readonly credential: Credential | null
}

/** Logs in at one stop after the other, each through the one before it, as if it were dialled. */
export class RouteDialer {
  readonly #parts: RouteDialerParts

  constructor(parts: RouteDialerParts) {
    this.#parts = parts
  }

  async reach<Result>(route: Route<Result>): Promise<Result> {
    const { hops, target, signal, checkAddresses, pass, arrive } = route
    const credentials = new Map<Stop, Credential | null>()
    // First, so that a key that cannot be read leaves no trace on the way.
    for (const stop of [...hops, target]) credentials.set(stop, await this.#readCredential(stop, signal))
    const leg = (stop: Stop) => ({
      carrier,
      credential: credentials.get(stop) ?? null,
      signal,
      checkAddresses,
    })
    let carrier: Ssh2Connection | null = null
    try {
      for (const hop of hops) carrier = await this.#visit(hop, leg(hop), pass)
      return await this.#visit(target, leg(target), arrive)
    } catch (error) {
      // Not waited for: it may no longer answer.
      void carrier?.close(new KrownError('SESSION_LOST', 'the way led no further'))
      throw error
    }
  }

  async #readCredential({ login: { auth }, hop }: Stop, signal: AbortSignal): Promise<Credential | null> {
    if (!auth || auth.method === 'password') return auth
    try {
      return { method: 'key', key: await this.#parts.keys.read(auth, signal) }
    } catch (error) {
      signal.throwIfAborted()
      throw atHop(hop, error)
    }
  }

  async #visit<Result>(stop: Stop, leg: Leg, arrive: Arrive<Result>): Promise<Result> {
    try {
      return await this.#visitInTurn(stop, leg, arrive)
    } catch (error) {
      leg.signal.throwIfAborted()
      const { carrier } = leg
      // Whatever it looks like from here, then.
      if (carrier?.closedBecause) throw nothingHasRun(atHop(carrier.hop, carrier.closedBecause))
      throw atHop(stop.hop, error)
    }
  }

  async #visitInTurn<Result>({ login, hop, key }: Stop, leg: Leg, arrive: Arrive<Result>): Promise<Result> {
    const { queue, handshake } = this.#parts
    const { carrier, credential, signal } = leg
    const adopt = (handshaken: Handshaken) => arrive(handshaken, { hop, carrier })
    const { username, legacyAlgorithms } = login
    const request = { username, legacyAlgorithms, credential, signal, adopt }
    const endTurn = await queue.enter(key, signal)
    try {
      return await searchKey(login, (asked) =>
        redialDropped(
          async (timeoutMs) => {
            const link = await this.#dial(login, leg)
            return new Handshake(link, { ...request, ...asked }, { ...handshake, timeoutMs }).run()
          },
          { clock: handshake.clock, timeoutMs: handshake.timeoutMs, signal },
        ),
      )
    } finally {
      endTurn()
    }
  }

  #dial({ host, port }: StopLogin, { carrier, signal, checkAddresses }: Leg): Promise<Link> {
    const { dialer, forwardTimeoutMs: timeoutMs } = this.#parts
    return carrier
      ? carrier.openForward({ host, port, timeoutMs, signal })
      : dialer.dial({ host, port, checkAddresses }, signal)
  }
}

/** SESSION_LOST would leave it open what a command did; a jump host that is lost on the way leaves nothing open. */
function nothingHasRun(error: KrownError): KrownError {
  if (error.code !== 'SESSION_LOST') return error
  return new KrownError('TARGET_UNREACHABLE', error.message, { details: error.details ?? {}, cause: error })
}
