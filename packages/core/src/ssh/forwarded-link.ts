import { Duplex } from 'node:stream'
import type { KrownError } from '../errors/krown-error.js'
import type { Link } from './link.js'
import type { Ssh2Channel } from './ssh2-internals.js'

/** A `direct-tcpip` channel (RFC 4254 §7.2) that behaves as the TCP socket whose place it takes. */
export class ForwardedLink extends Duplex implements Link {
  bytesRead = 0
  readonly #channel: Ssh2Channel
  readonly #drained: () => Promise<void>

  /** @param drained Resolves when the connection has room again: a jump host may grant any flow window and not read. */
  constructor(channel: Ssh2Channel, drained: () => Promise<void>) {
    super()
    this.#channel = channel
    this.#drained = drained
    // Stays for life, as on a socket: an error without a listener ends the process.
    this.on('error', ignore)
    channel.on('error', ignore)
    channel.stderr.on('error', ignore).resume()
    channel.on('data', (chunk: Buffer) => this.#onData(chunk))
    // Not at its close: what came before may still be unread. Whoever reads the end destroys the link.
    channel.once('end', () => this.push(null))
  }

  /** The other side hangs up at the end of what we write, and whoever does not wait for that destroys it. */
  destroySoon(): void {
    this.end()
  }

  /** The connection is gone. Said at once: an end that comes first would look as if the next host had hung up. */
  lose(because: KrownError): void {
    if (this.destroyed) return
    this.emit('error', because)
    this.destroy()
  }

  override _read(): void {
    this.#channel.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#channel.write(chunk, () => void this.#drained().then(done))
  }

  override _final(done: () => void): void {
    this.#channel.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.close()
    // What still arrives is thrown away, or the channel would never end.
    this.#channel.resume()
    done(error)
  }

  #onData(chunk: Buffer): void {
    if (this.destroyed) return
    this.bytesRead += chunk.length
    if (!this.push(chunk)) this.#channel.pause()
  }
}

function ignore(): void {}
