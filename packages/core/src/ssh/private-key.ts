import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { ParsedKey } from 'ssh2'
import type { Clock } from '../base/clock.js'
import { Semaphore, SemaphoreFullError } from '../base/semaphore.js'
import { KrownError, validationError } from '../errors/krown-error.js'
import { RSA_BITS } from './algorithms.js'
import type { SshAuth } from './connector.js'
import { rsaBits } from './fingerprint.js'
import { isTooCostly } from './key-cost.js'
import { decryptInThread, KeyThreadError } from './key-thread.js'
import { ssh2Utils } from './ssh2-internals.js'

type KeyAuth = Extract<SshAuth, { method: 'key' }>

// An RSA key of 8,192 bits has 6.5 KB. The parser's work grows with the square of the numbers in it.
const MAX_KEY_CHARS = 32 * 1024
const MAX_WAITING = 64

/**
 * Reads private keys as users paste them: OpenSSH, PKCS#1, SEC1 and PKCS#8, encrypted or not; ed25519, ecdsa, rsa.
 *
 * Encrypted ones are decrypted in a thread, one at a time: the key derivation is slow by design (0.2 s for what
 * `ssh-keygen` makes), its cost is chosen by whoever made the key, and the code that does it is synchronous.
 */
export class PrivateKeyReader {
  readonly #clock: Clock
  readonly #thread = new Semaphore(1, MAX_WAITING)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @throws KrownError VALIDATION_FAILED for `auth.privateKey` or `auth.passphrase`, UNAVAILABLE when too many keys
   * wait to be decrypted; or the signal's reason.
   */
  async read(auth: KeyAuth, signal?: AbortSignal): Promise<ParsedKey> {
    const text = auth.privateKey.trim()
    if (text.length > MAX_KEY_CHARS) throw invalidKey('is too long')
    return isEncrypted(text) ? this.#readEncrypted(text, auth.passphrase, signal) : readPlain(text)
  }

  async #readEncrypted(text: string, passphrase?: string, signal?: AbortSignal): Promise<ParsedKey> {
    if (!passphrase) throw invalidPassphrase('is required: the private key is encrypted')
    if (isTooCostly(text)) throw invalidKey('takes too long to decrypt')
    const release = await this.#thread.acquire(signal).catch(orUnavailable)
    try {
      return readPlain(await decryptInThread(this.#clock, { text, passphrase, signal }))
    } catch (error) {
      throw error instanceof KeyThreadError ? notDecrypted(error) : error
    } finally {
      release()
    }
  }
}

function orUnavailable(error: unknown): never {
  if (!(error instanceof SemaphoreFullError)) throw error
  throw new KrownError('UNAVAILABLE', 'too many private keys are being decrypted', { retryAfterMs: 1_000 })
}

function notDecrypted({ reason }: KeyThreadError): KrownError {
  if (reason === 'timeout') return invalidKey('takes too long to decrypt')
  return reason === 'passphrase' ? invalidPassphrase('does not decrypt the private key') : unreadable()
}

const PKCS8 = /^-----BEGIN PRIVATE KEY-----/
const OPENSSH = /^-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+)-----END/
// "openssh-key-v1\0", then the cipher's name.
const OPENSSH_PLAIN = Buffer.from('openssh-key-v1\0\0\0\0\x04none', 'latin1')

function isEncrypted(text: string): boolean {
  const [, body] = OPENSSH.exec(text) ?? []
  if (body === undefined) return /ENCRYPTED|^Encryption: (?!none)/m.test(text)
  return !Buffer.from(body, 'base64').subarray(0, OPENSSH_PLAIN.length).equals(OPENSSH_PLAIN)
}

function readPlain(text: string): ParsedKey {
  const parsed = parse(PKCS8.test(text) ? convertPkcs8(text) : text)
  if (!parsed || parsed instanceof Error) throw unreadable()
  if (!parsed.isPrivateKey()) throw invalidKey('is a public key')
  // Signing takes time with the third power of it, and nothing else happens meanwhile.
  const bits = rsaBits(parsed.getPublicSSH())
  if (bits !== null && bits > RSA_BITS.max) throw invalidKey(`has more than ${RSA_BITS.max} bits`)
  return parsed
}

function parse(text: string): ParsedKey | Error | undefined {
  try {
    return ssh2Utils.parseKey(text)
  } catch {
    // It throws where the text is almost a key.
    throw unreadable()
  }
}

/** ssh2 reads no PKCS#8, which is what openssl writes. */
function convertPkcs8(text: string): string {
  try {
    const key = createPrivateKey(text)
    if (key.asymmetricKeyType === 'ed25519') return openSshEd25519(key)
    const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
    return key.export({ type, format: 'pem' }).toString()
  } catch {
    throw unreadable()
  }
}

/** The one format in which ssh2 takes an ed25519 key (OpenSSH's PROTOCOL.key, without encryption). */
function openSshEd25519(key: KeyObject): string {
  const { x = '', d = '' } = key.export({ format: 'jwk' })
  const publicKey = Buffer.from(x, 'base64url')
  const type = sshString('ssh-ed25519')
  const secret = sshString(Buffer.concat([Buffer.from(d, 'base64url'), publicKey]))
  const checkInts = Buffer.alloc(8)
  const entry = Buffer.concat([checkInts, type, sshString(publicKey), secret, sshString('')])
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (entry.length % 8)) % 8))
  const one = Buffer.from([0, 0, 0, 1])
  const publicPart = sshString(Buffer.concat([type, sshString(publicKey)]))
  const header = Buffer.concat([OPENSSH_PLAIN, sshString('none'), sshString(''), one])
  const blob = Buffer.concat([header, publicPart, sshString(Buffer.concat([entry, padding]))])
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${blob.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----`
}

function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as Buffer)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function invalidKey(message: string): KrownError {
  return validationError([{ path: 'auth.privateKey', message }])
}

function invalidPassphrase(message: string): KrownError {
  return validationError([{ path: 'auth.passphrase', message }])
}

function unreadable(): KrownError {
  return invalidKey('is no private key in OpenSSH or PEM format of type ed25519, ecdsa or rsa')
}
