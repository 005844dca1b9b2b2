import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** One address in one form: an IPv4-mapped IPv6 address is the IPv4 address it stands for. */
export interface IpAddress {
  /** Shortest usual spelling (RFC 5952 for IPv6), lower case. */
  readonly text: string
  /** 4 or 16 bytes in network order. */
  readonly bytes: readonly number[]
}

export interface IpNetwork {
  readonly bytes: readonly number[]
  readonly prefixLength: number
}

/**
 * Strict: what `net.isIP` does not call an address is none, whatever a resolver would make of it
 * (`0x7f.1`, `127.1`, `0177.0.0.1`). Zone ids are refused.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) return undefined
  // ipaddr.js alone would take `::127.0.0.1` for the IPv4-mapped address, which is another one.
  const address = ipaddr.process(family === 6 ? withoutDots(text) : text)
  return { text: address.toString(), bytes: address.toByteArray() }
}

/** The spelling of RFC 5952, with the last four bytes in hexadecimal too. */
function withoutDots(ipv6: string): string {
  return new URL(`http://[${ipv6}]`).hostname.slice(1, -1)
}

/** Reads an address or `address/prefix length`; bits beyond the prefix are ignored. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const [base = '', prefix, ...rest] = text.split('/')
  const address = parseIpAddress(base)
  if (address === undefined || rest.length > 0) return undefined
  const bits = address.bytes.length * 8
  if (prefix === undefined) return { bytes: address.bytes, prefixLength: bits }
  // A prefix of an IPv4-mapped address counts other bits than the reader expects: the IPv4 form says it plainly.
  if (isIP(base) === 6 && bits === 32) return undefined
  const prefixLength = /^(0|[1-9]\d{0,2})$/.test(prefix) ? Number(prefix) : Number.NaN
  return prefixLength <= bits ? { bytes: address.bytes, prefixLength } : undefined
}

/** False across families: an IPv4 network holds no IPv6 address. */
export function networkContains(network: IpNetwork, bytes: readonly number[]): boolean {
  if (network.bytes.length !== bytes.length) return false
  return bytes.every((byte, index) => {
    const significant = Math.min(8, Math.max(0, network.prefixLength - index * 8))
    const shift = 8 - significant
    return byte >> shift === (network.bytes[index] ?? 0) >> shift
  })
}
