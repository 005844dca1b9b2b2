import type { Algorithms } from 'ssh2'

/**
 * What is offered to every target. Left out on purpose: ChaCha20-Poly1305 and CBC, which are open to the Terrapin
 * attack (CVE-2023-48795) unless both sides keep to strict key exchange, and ssh2 cannot insist on that; MACs that
 * are not encrypt-then-MAC; SHA-1; group exchange, because ssh2 computes with any prime the target sends.
 */
const MODERN_ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
  ],
  serverHostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'],
  // Never compression: a bomb costs the target nothing.
  compress: ['none'],
} as const satisfies AlgorithmLists

/** For one old device that its owner opted in: the modern lists first, then what such devices still speak. */
const LEGACY_ALGORITHMS = {
  kex: [
    ...MODERN_ALGORITHMS.kex,
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group14-sha1',
    'diffie-hellman-group1-sha1',
  ],
  serverHostKey: [...MODERN_ALGORITHMS.serverHostKey, 'ssh-rsa', 'ssh-dss'],
  cipher: [...MODERN_ALGORITHMS.cipher, 'aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
  hmac: [...MODERN_ALGORITHMS.hmac, 'hmac-sha2-256', 'hmac-sha2-512', 'hmac-sha1'],
  compress: MODERN_ALGORITHMS.compress,
} as const satisfies AlgorithmLists

/** Bounds of an RSA host key, bits. Checking a signature of a larger one would stall the process. */
export const RSA_BITS = { max: 8192, min: 2048, legacyMin: 1024 } as const

/** What is offered to one target. */
export interface OfferOptions {
  readonly legacy: boolean
  /** Types of the keys it is known by: those algorithms go first, so that a host with several keys shows one of these. */
  readonly hostKeyTypes: readonly string[]
}

/** The lists as ssh2 takes them. */
export function algorithmsFor({ legacy, hostKeyTypes }: OfferOptions): Algorithms {
  const lists = legacy ? LEGACY_ALGORITHMS : MODERN_ALGORITHMS
  const isKnown = (algorithm: string) => hostKeyTypes.includes(KEY_TYPES[algorithm] ?? algorithm)
  const serverHostKey = [...lists.serverHostKey]
  return {
    kex: [...lists.kex],
    // The others stay: a host that no longer has its key is told from one that has no key we accept.
    serverHostKey: [...serverHostKey.filter(isKnown), ...serverHostKey.filter((name) => !isKnown(name))],
    cipher: [...lists.cipher],
    hmac: [...lists.hmac],
    compress: [...lists.compress],
  }
}

/** Types of keys that sign by algorithms of other names (RFC 8332). */
const KEY_TYPES: Readonly<Record<string, string>> = { 'rsa-sha2-512': 'ssh-rsa', 'rsa-sha2-256': 'ssh-rsa' }

/** Types of the keys that a host may have besides these; those on other curves are of one type here. */
export function otherKeyTypes(shown: ReadonlySet<string>): string[] {
  const known = new Set([...shown].map(familyOf))
  const all = new Set(LEGACY_ALGORITHMS.serverHostKey.map((name) => KEY_TYPES[name] ?? name))
  return [...all].filter((type) => !known.has(familyOf(type)))
}

function familyOf(type: string): string {
  return type.startsWith('ecdsa-') ? 'ecdsa' : type
}

type AlgorithmLists = {
  readonly [Kind in keyof Algorithms]-?: readonly Extract<Algorithms[Kind], readonly unknown[]>[number][]
}
