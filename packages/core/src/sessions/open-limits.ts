import type { LimitKey, LimitStore, LimitWindow } from '../auth/limits/limit-store.js'
import { requireNoWait } from '../auth/limits/require-no-wait.js'
import type { Actor } from '../model/actor.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Of one user, wherever the hosts are. */
const PROBES: LimitWindow = { limit: 60, windowMs: MINUTE_MS }

export interface OpenLimitsDeps {
  readonly store: LimitStore
  readonly settings: { readonly maxSessionOpensPerMinute: number; readonly maxAdhocHostsPerHour: number }
}

/** Where a session is to go. */
export interface OpenedPlace {
  readonly host: string
  readonly port: number
  /** Null for a host that is not in the inventory. */
  readonly targetId: string | null
}

/** Where a host key is looked at. */
export interface ProbedPlace extends Pick<OpenedPlace, 'host' | 'port'> {
  /** Not in the inventory, as far as the user may see it. */
  readonly adhoc: boolean
}

/**
 * How often one user may open sessions or look at host keys, and on how many hosts that nobody has entered in the inventory: who scans a
 * network through Krown gets no further, whatever becomes of each attempt. The system acts for the program that Krown
 * is part of, which is not limited.
 */
export class OpenLimits {
  readonly #store: LimitStore
  readonly #opens: LimitWindow
  readonly #newHosts: LimitWindow

  constructor({ store, settings }: OpenLimitsDeps) {
    this.#store = store
    this.#opens = { limit: settings.maxSessionOpensPerMinute, windowMs: MINUTE_MS }
    this.#newHosts = { limit: settings.maxAdhocHostsPerHour, windowMs: HOUR_MS }
  }

  /**
   * Counts one. Asked once it is known where to, and before a name is resolved or anything dialled.
   *
   * @throws KrownError RATE_LIMITED, UNAVAILABLE
   */
  async count(actor: Actor, place: OpenedPlace): Promise<void> {
    if (actor.kind === 'system') return
    const waitMs = await this.#store.count({ kind: 'session_open', name: actor.userId }, this.#opens)
    requireNoWait(waitMs, 'you opened too many sessions in a minute')
    if (place.targetId === null) await this.#countHost(actor, place)
  }

  /**
   * Counts a look at the key of a host, in a window of its own; as for `count`, before anything is resolved or dialled.
   *
   * @throws KrownError RATE_LIMITED, UNAVAILABLE
   */
  async countProbe(actor: Actor, place: ProbedPlace): Promise<void> {
    if (actor.kind === 'system') return
    const waitMs = await this.#store.count({ kind: 'host_key_probe', name: actor.userId }, PROBES)
    requireNoWait(waitMs, 'you looked at too many host keys in a minute')
    if (place.adhoc) await this.#countHost(actor, place)
  }

  /** A host that was counted counts again an hour later; each port is one of its own, or they could be scanned. */
  async #countHost({ userId }: Actor, { host, port }: Pick<OpenedPlace, 'host' | 'port'>): Promise<void> {
    const counted: LimitKey = { kind: 'adhoc_host', name: `${userId} ${host} ${port}` }
    if ((await this.#store.read([counted]))[0]) return
    const waitMs = await this.#store.count({ kind: 'new_adhoc_host', name: userId }, this.#newHosts)
    requireNoWait(waitMs, 'you tried too many hosts that are not in the inventory')
    await this.#store.remember(counted, HOUR_MS)
  }
}
