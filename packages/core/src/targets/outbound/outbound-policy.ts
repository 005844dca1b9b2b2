import { parseIpAddress } from '../../config/ip-address.js'
import { KrownError } from '../../errors/krown-error.js'
import type { ResolvedHost } from '../../ssh/connector.js'
import {
  type AddressBytes,
  isLoopback,
  isNeverReachable,
  isUnspecified,
  sameAddress,
} from './address-ranges.js'
import { embeddedIpv4 } from './address-ranges-embedded.js'
import * as refusal from './outbound-policy-refusals.js'
import { OutboundRules } from './outbound-policy-rules.js'
import { type ParsedHost, parseHost } from './parse-host.js'

/** Something of Krown's own that no session may talk to. */
export interface ProtectedEndpoint {
  /** Name or address as configured; a wildcard address stands for every address of this machine. */
  readonly host: string
  readonly port: number
  /** What the name is known to stand for, so that another name for it does not help. */
  readonly addresses?: readonly string[]
}

export interface OutboundPolicyOptions {
  /** Entries of `ssh.outbound.allow`; when there are any, nothing else is allowed. */
  readonly allow: readonly string[]
  /** Entries of `ssh.outbound.deny`; they win over `allow`. */
  readonly deny: readonly string[]
  readonly allowLoopback: boolean
  /** False: only what is in the inventory. */
  readonly allowAdhocHosts: boolean
  /** Empty is any port. */
  readonly adhocPorts: readonly number[]
  /** This machine's addresses as of a moment ago; asked at every check, because interfaces come and go. */
  ownAddresses(): readonly string[]
  /** Krown's listen ports and its database; asked at every check. */
  protectedEndpoints(): readonly ProtectedEndpoint[]
}

/** Which targets may be reached at all, whoever asks. Every refusal is TARGET_POLICY_DENIED. */
export interface OutboundPolicy {
  /**
   * What can be said before anything is resolved.
   *
   * @param options.adhoc The host is not in the inventory: such hosts must be allowed, and its port must be an ad hoc one, or one that an entry of
   * `allow` names for this host.
   * @throws KrownError VALIDATION_FAILED — the host is neither a name nor an address.
   */
  checkRequest(host: string, port: number, options: { readonly adhoc: boolean }): void
  /**
   * What a jump host is to connect to. It resolves names itself, so none of their addresses is ever seen here: where
   * `allow` has entries, one of them must name the host.
   */
  checkForward(host: string, port: number): void
  /**
   * What a name stands for; every address must pass, each with the IPv4 addresses inside it.
   *
   * @throws KrownError TARGET_UNREACHABLE — there is no address.
   */
  checkAddresses(resolved: ResolvedHost): void
}

/**
 * Metadata and link-local addresses, Krown's own ports and its database are refused for good; this machine unless
 * `allowLoopback` or an exact entry such as `127.0.0.1:22`; then `deny` refuses, then `allow` when it has entries.
 *
 * @throws KrownError VALIDATION_FAILED — an entry of `allow` or `deny` cannot be read.
 */
export function createOutboundPolicy(options: OutboundPolicyOptions): OutboundPolicy {
  return new RuleBasedPolicy(options)
}

/** Names that lead to metadata services; refused before a resolver of the cloud sees them. */
const METADATA_NAMES = new Set([
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.tencentyun.com',
])

const LOCAL_NAME =
  /^(?:(?:[^.]+\.)*localhost|localhost\.localdomain|localhost[46]|ip6-localhost|ip6-loopback)$/

const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1']

interface Destination {
  readonly port: number
  /** `allow` names the host, so its addresses need no entry of their own. */
  readonly nameIsAllowed: boolean
  readonly own: readonly AddressBytes[]
  readonly protectedEndpoints: readonly ProtectedEndpoint[]
}

class RuleBasedPolicy implements OutboundPolicy {
  readonly #options: OutboundPolicyOptions
  readonly #allow: OutboundRules
  readonly #deny: OutboundRules

  constructor(options: OutboundPolicyOptions) {
    this.#options = options
    this.#allow = new OutboundRules(options.allow, 'ssh.outbound.allow')
    this.#deny = new OutboundRules(options.deny, 'ssh.outbound.deny')
  }

  checkRequest(host: string, port: number, { adhoc }: { readonly adhoc: boolean }): void {
    if (adhoc && !this.#options.allowAdhocHosts) throw refusal.adhocHost()
    const parsed = parseHost(host)
    checkPort(port)
    if (parsed.kind === 'ip') this.checkAddresses({ host, port, addresses: [parsed.address] })
    else this.#checkName(parsed.name, port)
    if (adhoc && !this.#isOpenForAdhoc(parsed, port)) throw refusal.adhocPort(port, this.#allow)
  }

  checkForward(host: string, port: number): void {
    this.checkRequest(host, port, { adhoc: false })
    const parsed = parseHost(host)
    if (parsed.kind === 'name' && this.#isOursIfLocal(parsed.name, port)) throw refusal.protectedEndpoint()
    if (parsed.kind === 'ip' || this.#allow.isEmpty || this.#allow.hasName(parsed.name, port)) return
    throw refusal.notAllowed()
  }

  checkAddresses({ host, port, addresses }: ResolvedHost): void {
    const parsed = parseHost(host)
    checkPort(port)
    if (parsed.kind === 'name') this.#checkName(parsed.name, port)
    if (addresses.length === 0) throw new KrownError('TARGET_UNREACHABLE', 'the host name has no address')
    const destination: Destination = {
      port,
      nameIsAllowed: parsed.kind === 'name' && this.#allow.hasName(parsed.name, port),
      own: bytesOf(this.#options.ownAddresses()),
      protectedEndpoints: this.#options.protectedEndpoints(),
    }
    for (const address of addresses) this.#checkAddress(address, destination)
  }

  #checkName(name: string, port: number): void {
    if (METADATA_NAMES.has(name)) throw refusal.neverReachable()
    const isProtected = this.#options
      .protectedEndpoints()
      .some((endpoint) => endpoint.port === port && endpoint.host.toLowerCase() === name)
    if (isProtected) throw refusal.protectedEndpoint()
    if (LOCAL_NAME.test(name) && !this.#options.allowLoopback) throw refusal.gatewayItself(this.#allow)
    if (this.#deny.hasName(name, port)) throw refusal.denied()
    const onlyNames = !this.#allow.isEmpty && !this.#allow.dependsOnAddresses
    if (onlyNames && !this.#allow.hasName(name, port)) throw refusal.notAllowed()
  }

  /** The jump host may be this machine, where such a name is one of its own addresses: nobody gets to see which. */
  #isOursIfLocal(name: string, port: number): boolean {
    const own = bytesOf(this.#options.ownAddresses())
    const loopback = bytesOf(LOOPBACK_ADDRESSES)
    return (
      LOCAL_NAME.test(name) &&
      this.#options
        .protectedEndpoints()
        .some(
          (endpoint) => endpoint.port === port && loopback.some((bytes) => standsFor(endpoint, bytes, own)),
        )
    )
  }

  #isOpenForAdhoc(host: ParsedHost, port: number): boolean {
    const { adhocPorts } = this.#options
    if (adhocPorts.length === 0 || adhocPorts.includes(port)) return true
    if (host.kind === 'name') return this.#allow.opensPortOfName(host.name, port)
    return bytesOf([host.address]).some((bytes) => this.#allow.opensPortOfAddress(bytes, port))
  }

  #checkAddress(address: string, destination: Destination): void {
    const [bytes] = bytesOf([address])
    // An address that cannot be read, such as one with a zone id, cannot be judged.
    if (bytes === undefined) throw refusal.neverReachable()
    for (const reached of [bytes, ...embeddedIpv4(bytes)]) this.#checkReached(reached, destination)
    if (this.#allow.isEmpty || destination.nameIsAllowed) return
    if (!this.#allow.hasAddress(bytes, destination.port)) throw refusal.notAllowed()
  }

  #checkReached(bytes: AddressBytes, { port, own, protectedEndpoints }: Destination): void {
    if (isNeverReachable(bytes)) throw refusal.neverReachable()
    if (protectedEndpoints.some((endpoint) => endpoint.port === port && standsFor(endpoint, bytes, own))) {
      throw refusal.protectedEndpoint()
    }
    const mayBeLocal = this.#options.allowLoopback || this.#allow.hasExactly(bytes, port)
    if (isLocal(bytes, own) && !mayBeLocal) throw refusal.gatewayItself(this.#allow)
    if (this.#deny.hasAddress(bytes, port)) throw refusal.denied()
  }
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw refusal.badPort()
}

function bytesOf(addresses: readonly string[]): AddressBytes[] {
  return addresses.flatMap((address) => {
    const parsed = parseIpAddress(address)
    return parsed === undefined ? [] : [parsed.bytes]
  })
}

function isLocal(bytes: AddressBytes, own: readonly AddressBytes[]): boolean {
  return isLoopback(bytes) || own.some((address) => sameAddress(address, bytes))
}

/** A local endpoint is met at every local address: what listens on one often answers on the others. */
function standsFor(endpoint: ProtectedEndpoint, bytes: AddressBytes, own: readonly AddressBytes[]): boolean {
  const addresses = bytesOf([endpoint.host, ...(endpoint.addresses ?? [])])
  if (addresses.some((address) => sameAddress(address, bytes))) return true
  const endpointIsLocal =
    LOCAL_NAME.test(endpoint.host.toLowerCase()) ||
    addresses.some((address) => isUnspecified(address) || isLocal(address, own))
  return endpointIsLocal && isLocal(bytes, own)
}
