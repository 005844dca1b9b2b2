import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type {
  JumpHost,
  PresentedHostKey,
  SshConnection,
  SshConnector,
  SshConnectRequest,
} from '../../ssh/connector.js'
import type { DialledHost, HostKeys, VerifiedHostKey } from '../host-keys/host-keys.js'
import type { PlaceToAsk } from '../host-keys/host-place.js'
import type { ExpectedKeys } from '../host-keys/key-standing.js'
import type { OutboundPolicy } from '../outbound/outbound-policy.js'
import type { DialHop, DialPlan } from './dial-plan.js'
import type { HopCredentials } from './hop-credentials.js'

export interface TargetDialerDeps {
  readonly connector: SshConnector
  readonly outbound: OutboundPolicy
  readonly hostKeys: HostKeys
  readonly credentials: HopCredentials
}

export interface DialOptions {
  /** The only host key that is accepted at the end; left out: whatever is pinned. */
  readonly given?: string | undefined
  readonly signal: AbortSignal
}

export interface DialledTarget {
  readonly connection: SshConnection
  readonly key: VerifiedHostKey
}

type Route = Pick<SshConnectRequest, 'checkAddresses' | 'via'>

/** Follows dial plans: on every hop the policy first, then its host key, then its own credential. */
export class TargetDialer {
  readonly #deps: TargetDialerDeps

  constructor(deps: TargetDialerDeps) {
    this.#deps = deps
  }

  /**
   * @throws KrownError as `SshConnector.connect`, `HostKeys.verify` and `HopCredentials.authFor` do; INTERNAL when the
   * connector did not ask about the host key.
   */
  async dial(
    actor: Actor,
    { jumps, last }: DialPlan,
    { given, signal }: DialOptions,
  ): Promise<DialledTarget> {
    this.#checkPolicy(jumps, last, last.targetId === null)
    const route = await this.#routeThrough(actor, jumps)
    const login = await this.#loginTo(actor, last, given)
    let key: VerifiedHostKey | undefined
    const connection = await this.#deps.connector.connect({
      ...login,
      ...route,
      verifyHostKey: async (presented) => {
        key = await this.#verify(actor, { ...last, given }, presented)
      },
      signal,
    })
    if (key) return { connection, key }
    const error = new KrownError('INTERNAL', 'a connection was made whose host key was not verified')
    await connection.close(error)
    throw error
  }

  /** Connects as far as the host key: no credential is sent to the host itself. @throws KrownError as `dial` does. */
  async showHostKey(
    actor: Actor,
    { place, jumps }: { place: PlaceToAsk; jumps: readonly DialHop[] },
    signal?: AbortSignal,
  ): Promise<PresentedHostKey> {
    this.#checkPolicy(jumps, place, false)
    const { host, port, legacyAlgorithms, given } = place
    const expected = await this.#deps.hostKeys.expected({ actor, ...place }, given)
    const route = await this.#routeThrough(actor, jumps)
    return this.#deps.connector.probeHostKey({
      ...{ host, port, legacyAlgorithms, ...keysOf(expected) },
      ...route,
      signal,
    })
  }

  // Before any secret is decrypted.
  #checkPolicy(
    jumps: readonly DialHop[],
    last: { readonly host: string; readonly port: number },
    adhoc: boolean,
  ): void {
    const { outbound } = this.#deps
    for (const { host, port } of jumps) outbound.checkRequest(host, port, { adhoc: false })
    outbound.checkRequest(last.host, last.port, { adhoc })
  }

  async #routeThrough(actor: Actor, jumps: readonly DialHop[]): Promise<Route> {
    const { outbound } = this.#deps
    const hops = await Promise.all(jumps.map((hop) => this.#loginTo(actor, hop)))
    return {
      checkAddresses: (resolved) => outbound.checkAddresses(resolved),
      ...(hops.length > 0 && {
        via: { hops, checkForward: (host, port) => outbound.checkForward(host, port) },
      }),
    }
  }

  async #loginTo(actor: Actor, hop: DialHop, given?: string): Promise<JumpHost> {
    const { name, host, port, username, legacyAlgorithms } = hop
    const { credentials, hostKeys } = this.#deps
    const [expected, auth] = await Promise.all([
      hostKeys.expected({ ...dialledHost(hop), actor }, given),
      credentials.authFor(actor.orgId, hop.auth),
    ])
    return {
      ...{ name, host, port, username, legacyAlgorithms, ...keysOf(expected), auth },
      verifyHostKey: async (presented) => void (await this.#verify(actor, hop, presented)),
    }
  }

  #verify(
    actor: Actor,
    hop: DialHop & { given?: string | undefined },
    presented: PresentedHostKey,
  ): Promise<VerifiedHostKey> {
    return this.#deps.hostKeys.verify({ ...dialledHost(hop), actor, given: hop.given }, presented)
  }
}

function dialledHost({ host, port, via, targetId }: DialHop): Omit<DialledHost, 'actor'> {
  return { host, port, via, strict: targetId !== null }
}

function keysOf({ types, fingerprints }: ExpectedKeys) {
  return { hostKeyTypes: types, hostKeyFingerprints: fingerprints }
}
