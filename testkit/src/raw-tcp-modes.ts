import type { Socket } from 'node:net'
import { kexInitPacket, packetHeader, SSH_BANNER } from './ssh-packets.js'

/** What a peer does that never gets to a key exchange. */
export type RawTcpMode =
  | { kind: 'silent' | 'http' | 'smtp' | 'tls-alert' | 'ssh-1.5' | 'ssh-1.99' | 'echo' }
  | { kind: 'stall-after-banner' | 'stall-after-kexinit' }
  /** Closes at once, as sshd does with too many logins under way; newer ones say something before. */
  | { kind: 'hang-up'; words?: string }
  /** One line without end; `maxBytes` default 1 GiB. */
  | { kind: 'endless-line'; maxBytes?: number }
  /** Lines that are no identification; `count` default 1e8. */
  | { kind: 'short-lines'; count?: number }
  /** As many and as long lines as RFC 4253 §4.2 implementations commonly allow: 1024 of 8190 bytes; then silence. */
  | { kind: 'legal-lines'; count?: number; lineBytes?: number }
  /** A right identification, one byte at a time. */
  | { kind: 'slow-banner'; everyMs: number }
  /** A right identification, then a packet that announces this length. */
  | { kind: 'bad-packet-length'; length: number }
  /** KEXINIT whose name-lists have this size each; default 100 KiB. */
  | { kind: 'huge-name-list'; bytes?: number }

const GIB = 1024 ** 3
const CHUNK_BYTES = 64 * 1024

/** Fatal alert, unexpected_message. */
const TLS_ALERT = Buffer.of(21, 3, 3, 0, 2, 2, 10)

/** Plays the mode to one client. `send` counts. */
export function playRawTcp(mode: RawTcpMode, socket: Socket, send: (data: string | Buffer) => void) {
  switch (mode.kind) {
    case 'silent':
      return
    case 'hang-up':
      socket.end(mode.words ?? '')
      return
    case 'echo':
      socket.on('data', send)
      return
    case 'endless-line':
      return sendAll(socket, send, repeated(Buffer.alloc(CHUNK_BYTES, 'A'), mode.maxBytes ?? GIB))
    case 'short-lines':
      return sendAll(
        socket,
        send,
        repeated(Buffer.alloc(CHUNK_BYTES, 'go away\r\n'), (mode.count ?? 1e8) * 9),
      )
    case 'legal-lines':
      return sendAll(socket, send, legalLines(mode.count ?? 1024, mode.lineBytes ?? 8190))
    case 'slow-banner':
      return sendSlowly(socket, send, mode.everyMs)
    default:
      return send(opening(mode))
  }
}

/** What the modes say that say one thing and then wait. */
function opening(mode: RawTcpMode): string | Buffer {
  switch (mode.kind) {
    case 'http':
      return 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    case 'smtp':
      return '220 mail.krown.test ESMTP\r\n'
    case 'tls-alert':
      return TLS_ALERT
    case 'ssh-1.5':
      return 'SSH-1.5-OldSSH_1.2.27\r\n'
    case 'ssh-1.99':
      return 'SSH-1.99-OldSSH_2.0\r\n'
    case 'stall-after-kexinit':
      return afterBanner(kexInitPacket())
    case 'bad-packet-length':
      return afterBanner(Buffer.concat([packetHeader(mode.length), Buffer.alloc(64)]))
    case 'huge-name-list':
      return afterBanner(kexInitPacket({ nameListBytes: mode.bytes ?? 100 * 1024 }))
    default:
      return SSH_BANNER
  }
}

function afterBanner(packet: Buffer): Buffer {
  return Buffer.concat([Buffer.from(SSH_BANNER), packet])
}

function* repeated(chunk: Buffer, totalBytes: number): Generator<Buffer> {
  for (let left = totalBytes; left > 0; left -= chunk.length)
    yield chunk.subarray(0, Math.min(left, chunk.length))
}

function* legalLines(count: number, lineBytes: number): Generator<Buffer> {
  const line = Buffer.concat([Buffer.alloc(lineBytes - 2, 'l'), Buffer.from('\r\n')])
  for (let i = 0; i < count; i++) yield line
}

/** Follows TCP's back-pressure; ends with the socket. */
function sendAll(socket: Socket, send: (data: Buffer) => void, chunks: Generator<Buffer>): void {
  for (const chunk of iterate(chunks)) {
    if (socket.destroyed) return
    send(chunk)
    if (socket.writableNeedDrain) {
      socket.once('drain', () => sendAll(socket, send, chunks))
      return
    }
  }
}

/** Unlike `for … of` on the generator itself, leaving the loop does not end it. */
function iterate<T>(generator: Generator<T>): Iterable<T> {
  return { [Symbol.iterator]: () => ({ next: () => generator.next() }) }
}

function sendSlowly(socket: Socket, send: (data: string) => void, everyMs: number): void {
  const bytes = [...SSH_BANNER]
  const timer = setInterval(() => {
    const byte = bytes.shift()
    if (byte === undefined) clearInterval(timer)
    else send(byte)
  }, everyMs)
  socket.once('close', () => clearInterval(timer))
}
