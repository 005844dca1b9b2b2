import { isHostName } from './host-name.js'
import { type IpNetwork, parseIpNetwork } from './ip-address.js'

/** One entry of `ssh.outbound.allow` or `ssh.outbound.deny`. */
export type NetworkRule = (
  | { readonly kind: 'network'; readonly network: IpNetwork }
  | { readonly kind: 'name'; readonly name: string }
  /** `.example.com` for `*.example.com`: every name below, not the name itself. */
  | { readonly kind: 'suffix'; readonly suffix: string }
) & {
  /** Null is every port. */
  readonly port: number | null
}

/**
 * Reads a network (`10.0.0.0/8`), an address, a host name or `*.example.com`, each optionally with `:port`;
 * IPv6 with a port is in brackets: `[2001:db8::/32]:22`. Undefined for anything else.
 */
export function parseNetworkRule(text: string): NetworkRule | undefined {
  const { subject, port } = splitPort(text)
  if (port === undefined) return undefined
  const network = parseIpNetwork(subject)
  if (network !== undefined) return { kind: 'network', network, port }
  if (isHostName(subject)) return { kind: 'name', name: subject.toLowerCase(), port }
  if (subject.startsWith('*.') && isHostName(subject.slice(2))) {
    return { kind: 'suffix', suffix: subject.slice(1).toLowerCase(), port }
  }
  return undefined
}

const BRACKETED = /^\[([0-9a-f:./]{2,49})\](?::(\d{1,5}))?$/i
const WITH_PORT = /^([^:[\]]{1,255}):(\d{1,5})$/

/** `port` is null when there is none and undefined when it is not a port. */
function splitPort(text: string): { subject: string; port: number | null | undefined } {
  const bracketed = BRACKETED.exec(text)
  // Only IPv6 is written in brackets.
  const match = bracketed?.[1]?.includes(':') ? bracketed : WITH_PORT.exec(text)
  if (match === null) return { subject: text, port: null }
  const port = match[2] === undefined ? null : Number(match[2])
  return { subject: match[1] ?? '', port: port === null || (port >= 1 && port <= 65_535) ? port : undefined }
}
