import { isIP } from 'node:net'
import { isHostName } from '../../config/host-name.js'
import { parseIpAddress } from '../../config/ip-address.js'
import { KrownError, validationError } from '../../errors/krown-error.js'

/** Where a session goes, in the one spelling that pins and policies know it by. */
export type ParsedHost =
  | { readonly kind: 'ip'; readonly address: string }
  | { readonly kind: 'name'; readonly name: string }

/** Where none is said. */
export const DEFAULT_SSH_PORT = 22

/** A name has at most 253 characters, an address fewer; the brackets are two. */
const LONGEST_HOST = 255

/**
 * Reads a host as a user wrote it: an IP address, IPv6 also in brackets, or a host name.
 *
 * Only what `net.isIP` calls an address is one. Whatever else a resolver would read as an address is refused:
 * `127.1`, `0x7f.1`, `2130706433`, `①②⑦.⓪.⓪.①` all reach 127.0.0.1 when they are let through.
 *
 * @returns The address in its shortest spelling, an IPv4-mapped one as the IPv4 address; or the name in lower case.
 * @throws KrownError VALIDATION_FAILED — `details.fields` names `host`.
 * @throws KrownError TARGET_POLICY_DENIED — the address has a zone id, which names an interface of the gateway.
 */
export function parseHost(host: string): ParsedHost {
  if (host.length > LONGEST_HOST) throw invalidHost()
  const literal = withoutBrackets(host)
  if (isIP(literal) !== 0) return { kind: 'ip', address: addressOf(literal) }
  if (isHostName(host)) return { kind: 'name', name: host.toLowerCase() }
  throw invalidHost()
}

/** The one spelling that pins and policies know a host by. @throws KrownError as {@link parseHost} */
export function canonicalHost(host: string): string {
  const parsed = parseHost(host)
  return parsed.kind === 'ip' ? parsed.address : parsed.name
}

function withoutBrackets(host: string): string {
  const inside = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return isIP(inside) === 6 ? inside : host
}

function addressOf(literal: string): string {
  const address = parseIpAddress(literal)
  if (address === undefined) {
    throw new KrownError('TARGET_POLICY_DENIED', 'addresses with a zone id are never allowed as targets')
  }
  return address.text
}

function invalidHost(): KrownError {
  return validationError([{ path: 'host', message: 'must be a host name or an IP address' }])
}
