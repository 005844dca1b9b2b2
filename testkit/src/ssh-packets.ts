import { randomBytes } from 'node:crypto'

/** A right identification line (RFC 4253 §4.2). */
export const SSH_BANNER = 'SSH-2.0-KrownTestkit_1.0\r\n'

const MSG_KEXINIT = 20
const BLOCK_BYTES = 8
const MIN_PADDING = 4

/** In the order of RFC 4253 §7.1: what any client of today can agree on. */
const NAME_LISTS = [
  'curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256',
  'ssh-ed25519,rsa-sha2-512,rsa-sha2-256',
  'aes128-gcm@openssh.com,aes128-ctr,aes256-ctr',
  'aes128-gcm@openssh.com,aes128-ctr,aes256-ctr',
  'hmac-sha2-256',
  'hmac-sha2-256',
  'none',
  'none',
  '',
  '',
]

/** An unencrypted KEXINIT packet; `nameListBytes` pads each algorithm list with invented names to that size. */
export function kexInitPacket(options: { nameListBytes?: number } = {}): Buffer {
  const { nameListBytes = 0 } = options
  const lists = NAME_LISTS.map((list) => sshString(list === '' ? '' : padded(list, nameListBytes)))
  // After the lists: first_kex_packet_follows and a reserved uint32.
  return framePacket(Buffer.concat([Buffer.of(MSG_KEXINIT), randomBytes(16), ...lists, Buffer.alloc(5)]))
}

/** Wraps a payload as an unencrypted packet (RFC 4253 §6). */
function framePacket(payload: Buffer): Buffer {
  const unpadded = 5 + payload.length
  const padding = BLOCK_BYTES - ((unpadded + MIN_PADDING) % BLOCK_BYTES) + MIN_PADDING
  return Buffer.concat([packetHeader(1 + payload.length + padding, padding), payload, randomBytes(padding)])
}

/** The first five bytes of a packet, with whatever length is to be announced. */
export function packetHeader(length: number, padding = MIN_PADDING): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(length)
  header[4] = padding
  return header
}

function padded(list: string, bytes: number): string {
  const names = [list]
  for (let size = list.length, i = 0; size < bytes; i++) {
    const name = `invented-algorithm-${i}@krown.test`
    names.push(name)
    size += name.length + 1
  }
  return names.join(',')
}

function sshString(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}
