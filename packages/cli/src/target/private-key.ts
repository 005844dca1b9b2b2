import { open } from 'node:fs/promises'
import { usageError } from '../cli-error.js'

const MAX_BYTES = 64 * 1024
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----/
const ENCRYPTED_PEM = /^Proc-Type: 4,ENCRYPTED/m
const OPENSSH_MAGIC = 'openssh-key-v1\0'

export interface PrivateKey {
  readonly text: string
  readonly isEncrypted: boolean
}

/** Reads a key file, and nothing but a key file: what is in it leaves this machine. */
export async function readPrivateKey(path: string): Promise<PrivateKey> {
  const text = await readBounded(path)
  const [, kind] = PRIVATE_KEY.exec(text) ?? []
  if (kind === undefined) throw usageError(`${path} holds no private key in OpenSSH or PEM form`)
  return { text, isEncrypted: isEncrypted(kind.trim(), text) }
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path, 'r')
  const buffer = Buffer.alloc(MAX_BYTES + 1)
  let length = 0
  // A pipe gives what is in it, which may be a part.
  for (let bytesRead = -1; bytesRead !== 0 && length < buffer.length; length += bytesRead) {
    bytesRead = (await file.read(buffer, length, buffer.length - length)).bytesRead
  }
  if (length > MAX_BYTES) throw usageError(`${path} is too large for a private key`)
  return buffer.toString('utf8', 0, length)
}

function isEncrypted(kind: string, text: string): boolean {
  if (kind === 'ENCRYPTED' || ENCRYPTED_PEM.test(text)) return true
  return kind === 'OPENSSH' && cipherOf(text) !== 'none'
}

/** PROTOCOL.key of OpenSSH: the magic, then the name of the cipher as a string with its length before it. */
function cipherOf(text: string): string {
  const [, body = ''] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text) ?? []
  const bytes = Buffer.from(body, 'base64')
  const at = OPENSSH_MAGIC.length
  if (bytes.length < at + 4 || bytes.toString('latin1', 0, at) !== OPENSSH_MAGIC) return 'none'
  return bytes.toString('latin1', at + 4, at + 4 + bytes.readUInt32BE(at))
}
