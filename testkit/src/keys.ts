import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
// Only the default import: Node finds no named exports in ssh2.
import ssh2, { type utils } from 'ssh2'

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa'
/** `openssh` is OpenSSH's own; `pem` is PKCS#1 for rsa and SEC1 for ecdsa. */
export type KeyFormat = 'openssh' | 'pkcs8' | 'pem'

export interface KeyOptions {
  /** Default `ed25519`. */
  type?: KeyType
  /** Default `openssh`. */
  format?: KeyFormat
  /** Modulus of rsa (2048), curve of ecdsa: 256 (default), 384 or 521. */
  bits?: number
  /** Encrypts the private key. */
  passphrase?: string
  comment?: string
}

export interface KeyPair {
  type: KeyType
  privateKey: string
  /** One line of an `authorized_keys` file. */
  publicKey: string
  /** `SHA256:` and unpadded base64, as `ssh-keygen -lf` prints. */
  fingerprint: string
  passphrase?: string
}

const CURVES: Record<number, string> = { 256: 'P-256', 384: 'P-384', 521: 'P-521' }

/**
 * Makes a new key pair in memory.
 *
 * @throws Error for ed25519 in `pem`: no such format exists.
 */
export function generateKey(options: KeyOptions = {}): KeyPair {
  const { type = 'ed25519', format = 'openssh', passphrase } = options
  const texts = format === 'openssh' ? openSshKey(type, options) : pemKey(type, format, options)
  const pair = { type, ...texts, fingerprint: fingerprintOf(texts.publicKey) }
  return passphrase === undefined ? pair : { ...pair, passphrase }
}

/** SHA-256 fingerprint of a public key line or of its raw blob. */
export function fingerprintOf(key: string | Buffer): string {
  const blob = typeof key === 'string' ? Buffer.from(key.trim().split(/\s+/)[1] ?? '', 'base64') : key
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

type KeyTexts = Pick<KeyPair, 'privateKey' | 'publicKey'>

function openSshKey(type: KeyType, options: KeyOptions): KeyTexts {
  const { passphrase, comment = 'krown-testkit' } = options
  // Few rounds: the key lives for one test, and bcrypt in JavaScript is slow.
  const encryption = passphrase === undefined ? {} : { passphrase, cipher: 'aes256-ctr', rounds: 4 }
  for (;;) {
    const pair = openSshPair(type, options, { ...encryption, comment })
    // ssh2 1.17 writes about one ed25519 key in 150 in a form that it cannot read back.
    if (!(ssh2.utils.parseKey(pair.private, passphrase) instanceof Error)) {
      return { privateKey: pair.private, publicKey: pair.public }
    }
  }
}

function openSshPair(
  type: KeyType,
  options: KeyOptions,
  settings: utils.KeyPairOptions,
): utils.KeyPairReturn {
  if (type === 'ed25519') return ssh2.utils.generateKeyPairSync(type, settings)
  if (type === 'rsa') return ssh2.utils.generateKeyPairSync(type, { ...settings, bits: options.bits ?? 2048 })
  return ssh2.utils.generateKeyPairSync(type, { ...settings, bits: (options.bits ?? 256) as 256 | 384 | 521 })
}

function pemKey(type: KeyType, format: 'pkcs8' | 'pem', options: KeyOptions): KeyTexts {
  const { privateKey, publicKey } = newKeyObjects(type, options.bits)
  const { passphrase, comment = 'krown-testkit' } = options
  const encryption = passphrase === undefined ? {} : { passphrase, cipher: 'aes-256-cbc' }
  const text = privateKey.export({ type: pemType(type, format), format: 'pem', ...encryption })
  return { privateKey: text.toString(), publicKey: `${publicKeyLine(publicKey)} ${comment}` }
}

function pemType(type: KeyType, format: 'pkcs8' | 'pem'): 'pkcs8' | 'pkcs1' | 'sec1' {
  if (format === 'pkcs8') return 'pkcs8'
  if (type === 'ed25519') throw new Error('ed25519 keys have no PKCS#1 or SEC1 format')
  return type === 'rsa' ? 'pkcs1' : 'sec1'
}

function newKeyObjects(type: KeyType, bits?: number): { privateKey: KeyObject; publicKey: KeyObject } {
  if (type === 'ed25519') return generateKeyPairSync('ed25519')
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: bits ?? 2048 })
  return generateKeyPairSync('ec', { namedCurve: CURVES[bits ?? 256] ?? 'P-256' })
}

function publicKeyLine(key: KeyObject): string {
  const { kty, crv, x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' })
  if (kty === 'OKP') return sshLine('ssh-ed25519', [fromBase64(x)])
  if (kty === 'RSA') return sshLine('ssh-rsa', [mpint(fromBase64(e)), mpint(fromBase64(n))])
  const curve = `nistp${crv?.slice(2)}`
  const point = Buffer.concat([Buffer.of(4), fromBase64(x), fromBase64(y)])
  return sshLine(`ecdsa-sha2-${curve}`, [Buffer.from(curve), point])
}

function sshLine(name: string, fields: Buffer[]): string {
  const blob = Buffer.concat([Buffer.from(name), ...fields].flatMap((field) => [uint32(field.length), field]))
  return `${name} ${blob.toString('base64')}`
}

function mpint(value: Buffer): Buffer {
  return (value[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), value]) : value
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
