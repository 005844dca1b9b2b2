import type { Clock } from '../base/clock.js'
import type { SshConnector } from './connector.js'
import { DialQueue } from './dial-queue.js'
import { Dialer } from './dialer.js'
import { KeepaliveSweep } from './keepalive-sweep.js'
import { PrivateKeyReader } from './private-key.js'
import { Ssh2Connector } from './ssh2-connector.js'
import { SharedOffers } from './ssh2-internals.js'
import { type ResolveHost, SystemResolver } from './system-resolver.js'

export interface SshConnectorOptions {
  readonly clock: Clock
  /** For the TCP connection, all addresses of the host together; also for that of a jump host to the next one. */
  readonly connectTimeoutMs: number
  /**
   * From the identification line to the end of authentication, host key verifier included; also the wait in line. With
   * jump hosts, each login has its own.
   */
  readonly handshakeTimeoutMs: number
  /** A connection whose target is gone without a word is found in this times `keepaliveMax`. */
  readonly keepaliveIntervalMs: number
  /** Unanswered keepalives until a connection is lost; default 3. */
  readonly keepaliveMax?: number
  /** What a target may send into one channel while nobody reads it; default 6 MiB, at least 4 MiB. */
  readonly maxUnreadBytes?: number
  /** Default: as the operating system resolves names. */
  readonly resolve?: ResolveHost
  /** What all targets together may send before they are authenticated; default 64 MiB. */
  readonly preAuthBudgetBytes?: number
}

const MIB = 1024 * 1024
// An honest handshake, banner included, is below 100 KiB.
const PRE_AUTH_BYTES_EACH = 256 * 1024

/** SSH by the ssh2 library. Starts nothing and opens nothing until `connect` is called. */
export function createSshConnector(options: SshConnectorOptions): SshConnector {
  const { clock, connectTimeoutMs, handshakeTimeoutMs } = options
  const { keepaliveMax = 3, maxUnreadBytes = 6 * MIB, preAuthBudgetBytes = 64 * MIB } = options
  // The budget holds as a product: each connection has its bound, and only so many are not yet authenticated.
  const maxAtOnce = Math.max(1, Math.floor(preAuthBudgetBytes / PRE_AUTH_BYTES_EACH))
  return new Ssh2Connector({
    route: {
      queue: new DialQueue({ clock, maxAtOnce, waitMs: handshakeTimeoutMs }),
      dialer: new Dialer({
        clock,
        connectTimeoutMs,
        resolve: options.resolve ?? new SystemResolver().resolve,
      }),
      keys: new PrivateKeyReader(clock),
      handshake: {
        clock,
        timeoutMs: handshakeTimeoutMs,
        maxBytes: PRE_AUTH_BYTES_EACH,
        offers: new SharedOffers(),
      },
      forwardTimeoutMs: connectTimeoutMs,
    },
    sweep: new KeepaliveSweep({ clock, intervalMs: options.keepaliveIntervalMs, max: keepaliveMax }),
    connection: { clock, maxUnreadBytes },
  })
}
