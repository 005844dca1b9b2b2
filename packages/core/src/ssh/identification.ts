import type { KrownError } from '../errors/krown-error.js'
import { protocolError } from './error-mapping.js'

const LINE_FEED = 10
const MAX_LINE_BYTES = 8 * 1024
const IDENT = /^SSH-(2\.0|1\.99)-/
// What HTTP, SMTP, FTP, POP3 and IMAP servers say first. RFC 4253 §4.2 would allow it as a line before the
// identification, but no SSH server says it, and these then wait for us until the timeout.
const OTHER_PROTOCOL = /^(HTTP\/|[2-5]\d\d[ -]|\+OK|\* OK)/
// OpenSSH's sshd, when it has too many connections or too many failures from our address. It is SSH after all.
const REFUSAL = /^(Exceeded MaxStartups|Not allowed at this time)/

/**
 * Reads up to the target's identification (RFC 4253 §4.2), in front of ssh2, whose own reader loses bytes when the
 * lines before it come in more than two pieces. Holds one line at most.
 */
export class IdentificationReader {
  readonly #acceptsSsh1: boolean
  #line = Buffer.alloc(0)
  #complete = false
  #sawOtherLines = false

  /** @param options.acceptsSsh1 Also take a target that would speak SSH 1 (it says 1.99). Only old devices do. */
  constructor(options: { acceptsSsh1: boolean }) {
    this.#acceptsSsh1 = options.acceptsSsh1
  }

  get complete(): boolean {
    return this.#complete
  }

  /** The target said something, and so far it is no identification. */
  get sawOtherLines(): boolean {
    return this.#sawOtherLines
  }

  /**
   * @returns The identification and whatever follows it; null while it is not complete.
   * @throws KrownError TARGET_PROTOCOL_ERROR when the target speaks something else.
   */
  push(chunk: Buffer): Buffer | null {
    let rest = this.#line.length > 0 ? Buffer.concat([this.#line, chunk]) : chunk
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      if (this.#isIdentification(rest.subarray(0, end))) {
        this.#complete = true
        return rest
      }
      rest = rest.subarray(end + 1)
    }
    requireText(rest)
    // A copy: the chunk may be much larger than what is left of it.
    this.#line = Buffer.from(rest)
    return null
  }

  #isIdentification(bytes: Buffer): boolean {
    requireText(bytes)
    const line = bytes.toString('latin1')
    const [, version] = IDENT.exec(line) ?? []
    const identified = version === '2.0' || (version === '1.99' && this.#acceptsSsh1)
    if (!identified && (line.startsWith('SSH-') || OTHER_PROTOCOL.test(line))) throw notSsh()
    this.#sawOtherLines = !identified && !REFUSAL.test(line)
    return identified
  }
}

/** TLS, SMB and databases send control characters, which no line of text holds. */
function requireText(line: Buffer): void {
  const isText = line.every((byte) => byte >= 27 || (byte >= 9 && byte <= 13))
  if (line.length >= MAX_LINE_BYTES || !isText) throw notSsh()
}

/** The same for every other protocol: what runs on the port is not for us to tell. */
export function notSsh(): KrownError {
  return protocolError('not_ssh', 'the target does not speak SSH 2')
}
