import { networkContains } from '../../config/ip-address.js'
import { type NetworkRule, parseNetworkRule } from '../../config/network-rule.js'
import { validationError } from '../../errors/krown-error.js'
import type { AddressBytes } from './address-ranges.js'

type NameRule = Exclude<NetworkRule, { kind: 'network' }>
type AddressRule = Extract<NetworkRule, { kind: 'network' }>

/** One list of the outbound policy: `allow` or `deny`. */
export class OutboundRules {
  readonly #names: readonly NameRule[]
  readonly #addresses: readonly AddressRule[]

  /**
   * @param path Where the entries stand in the configuration.
   * @throws KrownError VALIDATION_FAILED — lists every entry that is none.
   */
  constructor(entries: readonly string[], path: string) {
    const rules = entries.map(parseNetworkRule)
    const problems = rules.flatMap((rule, index) =>
      rule === undefined ? [{ path: `${path}[${index}]`, message: 'is not an outbound rule' }] : [],
    )
    if (problems.length > 0) throw validationError(problems)
    this.#names = rules.filter((rule) => rule !== undefined && rule.kind !== 'network')
    this.#addresses = rules.filter((rule) => rule?.kind === 'network')
  }

  get isEmpty(): boolean {
    return this.#names.length === 0 && this.#addresses.length === 0
  }

  /** Whether a name alone cannot tell, because what it stands for may match. */
  get dependsOnAddresses(): boolean {
    return this.#addresses.length > 0
  }

  hasName(name: string, port: number): boolean {
    return this.#names.some((rule) => nameMatches(rule, name) && portMatches(rule, port))
  }

  hasAddress(bytes: AddressBytes, port: number): boolean {
    return this.#addresses.some((rule) => networkContains(rule.network, bytes) && portMatches(rule, port))
  }

  /** An entry that says this very port. */
  opensPortOfName(name: string, port: number): boolean {
    return this.#names.some((rule) => nameMatches(rule, name) && rule.port === port)
  }

  opensPortOfAddress(bytes: AddressBytes, port: number): boolean {
    return this.#addresses.some((rule) => networkContains(rule.network, bytes) && rule.port === port)
  }

  /** An entry of one address, not a network, with this very port. */
  hasExactly(bytes: AddressBytes, port: number): boolean {
    return this.#addresses.some(
      (rule) =>
        rule.port === port &&
        rule.network.prefixLength === bytes.length * 8 &&
        networkContains(rule.network, bytes),
    )
  }
}

function nameMatches(rule: NameRule, name: string): boolean {
  return rule.kind === 'name' ? rule.name === name : name.endsWith(rule.suffix)
}

function portMatches(rule: NetworkRule, port: number): boolean {
  return rule.port === null || rule.port === port
}
