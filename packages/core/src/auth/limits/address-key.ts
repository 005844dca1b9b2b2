import { parseIpAddress } from '../../config/ip-address.js'

const IPV6_SUBSCRIBER_BYTES = 8

/** What limits by address are counted under: one IPv4 address, or one IPv6 /64, which is one subscriber. */
export function addressKey(clientIp: string): string {
  const address = parseIpAddress(clientIp)
  if (!address) return clientIp
  return address.bytes.length === 4
    ? address.text
    : Buffer.from(address.bytes).toString('hex', 0, IPV6_SUBSCRIBER_BYTES)
}
