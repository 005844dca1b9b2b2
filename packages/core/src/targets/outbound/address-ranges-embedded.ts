import type { IpNetwork } from '../../config/ip-address.js'
import { type AddressBytes, inAny, networks } from './address-ranges.js'

/** A form in which an IPv6 address carries IPv4 addresses that a gateway on the way may send the packet to. */
interface Embedding {
  readonly within: readonly IpNetwork[]
  /** Where the four bytes stand, in order. */
  readonly places: readonly (readonly [number, number, number, number])[]
  /** Teredo inverts the bits of the client's address. */
  readonly inverted?: true
}

const LAST_FOUR = [12, 13, 14, 15] as const

const EMBEDDINGS: readonly Embedding[] = [
  { within: networks('::ffff:0:0:0/96'), places: [LAST_FOUR] }, // IPv4-translated (RFC 2765 §2.1)
  { within: networks('64:ff9b::/96'), places: [LAST_FOUR] }, // NAT64 (RFC 6052 §2.1)
  { within: networks('2002::/16'), places: [[2, 3, 4, 5]] }, // 6to4 (RFC 3056 §2)
  { within: networks('2001::/32'), places: [[4, 5, 6, 7]] }, // Teredo server (RFC 4380 §4)
  { within: networks('2001::/32'), places: [LAST_FOUR], inverted: true }, // Teredo client
]

/** NAT64 for local use (RFC 8215). Which prefix length the operator chose is not visible: each is possible. */
const LOCAL_NAT64: Embedding = {
  within: networks('64:ff9b:1::/48'),
  places: [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], LAST_FOUR],
}

/**
 * Every IPv4 address that an IPv6 address may stand for; none for an IPv4 address.
 * IPv4-compatible addresses are not decoded: `::/96` is never reachable anyway, and `::1` is none.
 */
export function embeddedIpv4(bytes: AddressBytes): AddressBytes[] {
  if (bytes.length !== 16) return []
  const plain = EMBEDDINGS.flatMap((embedding) => read(embedding, bytes))
  return [...plain, ...localNat64(bytes), ...isatap(bytes)]
}

function read(embedding: Embedding, bytes: AddressBytes): AddressBytes[] {
  if (!inAny(embedding.within, bytes)) return []
  const mask = embedding.inverted ? 0xff : 0
  return embedding.places.map((place) => place.map((index) => (bytes[index] ?? 0) ^ mask))
}

/** A guess that lands in 0.0.0.0/8 is the wrong guess, unless all do: nothing can be sent there. */
function localNat64(bytes: AddressBytes): AddressBytes[] {
  const guesses = read(LOCAL_NAT64, bytes)
  const plausible = guesses.filter(([first]) => first !== 0)
  return plausible.length > 0 ? plausible : guesses
}

/** ISATAP stands in the interface identifier of any prefix (RFC 5214 §6.1). */
function isatap(bytes: AddressBytes): AddressBytes[] {
  const marked =
    (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe
  return marked ? [LAST_FOUR.map((index) => bytes[index] ?? 0)] : []
}
