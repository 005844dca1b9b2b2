import { networkInterfaces } from 'node:os'
import { type IpNetwork, networkContains, parseIpNetwork } from '../../config/ip-address.js'

/** 4 or 16 bytes in network order. */
export type AddressBytes = readonly number[]

export function networks(...texts: string[]): IpNetwork[] {
  return texts.flatMap((text) => parseIpNetwork(text) ?? [])
}

const LOOPBACK = networks('127.0.0.0/8', '::1')

/** No session ever goes there, whatever is configured. */
const NEVER = networks(
  '0.0.0.0/8', // connects to the machine itself
  '169.254.0.0/16', // link-local: metadata of AWS, Azure, Google and most others
  '168.63.129.16', // Azure platform
  '192.0.0.192', // Oracle Cloud metadata
  '100.100.100.200', // Alibaba Cloud metadata
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and the broadcast address
  '::/96', // unspecified, and IPv4-compatible addresses (RFC 4291 §2.5.5.1)
  'fe80::/10', // link-local
  'ff00::/8', // multicast
  'fd00:ec2::254', // AWS metadata
  'fd00:ec2::23', // AWS credentials of pods
  'fd20:ce::254', // Google metadata
)

export function inAny(ranges: readonly IpNetwork[], bytes: AddressBytes): boolean {
  return ranges.some((range) => networkContains(range, bytes))
}

export function isLoopback(bytes: AddressBytes): boolean {
  return inAny(LOOPBACK, bytes)
}

/** Metadata services, link-local, multicast and reserved addresses. Loopback is not among them: it has a setting. */
export function isNeverReachable(bytes: AddressBytes): boolean {
  return !isLoopback(bytes) && inAny(NEVER, bytes)
}

export function isUnspecified(bytes: AddressBytes): boolean {
  return bytes.every((byte) => byte === 0)
}

export function sameAddress(left: AddressBytes, right: AddressBytes): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

/** The addresses of this machine's interfaces now, in the spelling of the platform, zone ids removed. */
export function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.map(({ address }) => address.split('%')[0] ?? address),
  )
}
