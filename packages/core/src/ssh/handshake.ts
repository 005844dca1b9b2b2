import type { Algorithms, AuthHandlerMiddleware, Client } from 'ssh2'
import type { Clock } from '../base/clock.js'
import { defer } from '../base/deferred.js'
import { KrownError } from '../errors/krown-error.js'
import { algorithmsFor } from './algorithms.js'
import { Authenticator, type Credential } from './authenticator.js'
import type { PresentedHostKey, SshLogin } from './connector.js'
import {
  closedByPeer,
  droppedEarly,
  mapClosed,
  mapLibraryError,
  protocolError,
  targetTimeout,
} from './error-mapping.js'
import { HostKeyGate } from './host-key-gate.js'
import { IdentificationReader, notSsh } from './identification.js'
import type { Link } from './link.js'
import {
  forgetEphemeralKey,
  internalsOf,
  readFirst,
  type SharedOffers,
  Ssh2Client,
  type Ssh2Internals,
} from './ssh2-internals.js'
import { refuseUnsolicited } from './unsolicited-messages.js'

export interface HandshakeOptions {
  readonly clock: Clock
  /** From the first byte to the end of authentication, the host key verifier included. */
  readonly timeoutMs: number
  /** More than this before authentication is over breaks the connection. */
  readonly maxBytes: number
  readonly offers: SharedOffers
}

export interface HandshakeRequest<Result>
  extends Pick<SshLogin, 'username' | 'verifyHostKey' | 'legacyAlgorithms' | 'hostKeyTypes'> {
  /** Null: goes no further than the proof that the target owns its host key. */
  readonly credential: Credential | null
  readonly signal: AbortSignal
  /** Takes the client over and listens at once: the same packet may hold its first error. */
  adopt(handshaken: Handshaken): Result
}

/** An authenticated connection, if there was a credential. Nobody listens on it. */
export interface Handshaken {
  readonly link: Link
  readonly client: Client
  readonly internals: Ssh2Internals
  readonly hostKey: PresentedHostKey
}

// RFC 4253 §4.2; the version of the product stays our business.
const IDENT = 'Krown'
const NO_CREDENTIAL: Credential = { method: 'password', password: '' }

/** Identification, key exchange, host key, authentication: everything between a link and a usable connection. */
export class Handshake<Result> {
  readonly #link: Link
  readonly #request: HandshakeRequest<Result>
  readonly #options: HandshakeOptions
  readonly #client = new Ssh2Client()
  readonly #algorithms: Algorithms
  readonly #gate: HostKeyGate
  readonly #authenticator: Authenticator
  readonly #identification: IdentificationReader
  readonly #result = defer<Result>()
  #phase: 'handshake' | 'auth' = 'handshake'
  #bytes = 0
  #settled = false
  #release: () => void = () => undefined

  constructor(link: Link, request: HandshakeRequest<Result>, options: HandshakeOptions) {
    this.#link = link
    this.#request = request
    this.#options = options
    const { legacyAlgorithms = false, hostKeyTypes = [] } = request
    this.#algorithms = algorithmsFor({ legacy: legacyAlgorithms, hostKeyTypes })
    this.#identification = new IdentificationReader({ acceptsSsh1: legacyAlgorithms })
    const onRefused = (reason: unknown) => this.#fail(reason)
    this.#gate = new HostKeyGate({
      legacyAlgorithms,
      verify: (key) => request.verifyHostKey(key),
      onRefused,
    })
    const { username, credential } = request
    const mayBegin = () => credential !== null && this.#gate.accepted !== null
    this.#authenticator = new Authenticator({
      username,
      credential: credential ?? NO_CREDENTIAL,
      mayBegin,
      onRefused,
    })
  }

  /** Takes the link over; on failure it is destroyed. Called once. */
  run(): Promise<Result> {
    try {
      this.#listen()
      if (!this.#settled) this.#start()
    } catch (error) {
      this.#fail(error)
    }
    return this.#result.promise
  }

  #start(): void {
    this.#client.connect(this.#config())
    // Only now, and before the first byte is parsed, has ssh2 something to replace handlers in.
    const internals = internalsOf(this.#client)
    // Which says all: legacy lists are longer, and differ in nothing else by request.
    this.#options.offers.share(internals, String(this.#algorithms.serverHostKey))
    refuseUnsolicited(internals, ignore)
    readFirst(internals, (chunk) => this.#readIdentification(chunk))
    // Ahead of ssh2's own listener, so that the bound holds before the bytes are parsed.
    this.#link.on('data', this.#onBytes)
  }

  #config() {
    return {
      sock: this.#link,
      username: this.#request.username,
      ident: IDENT,
      algorithms: this.#algorithms,
      hostVerifier: this.#gate.check,
      authHandler: this.#authenticator.next as AuthHandlerMiddleware,
      // Our own clock and our own sweep do both, without a timer per connection.
      readyTimeout: 0,
      keepaliveInterval: 0,
    }
  }

  #listen(): void {
    const { clock, timeoutMs } = this.#options
    const { signal } = this.#request
    const onAbort = () => this.#fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const cancelTimer = clock.setTimer(timeoutMs, () => this.#fail(this.#timeout()))
    this.#release = () => {
      cancelTimer()
      signal.removeEventListener('abort', onAbort)
    }
    this.#client.on('error', (error) => this.#fail(this.#mapError(error)))
    this.#client.on('handshake', () => {
      this.#phase = 'auth'
      if (this.#request.credential === null) this.#succeed()
    })
    this.#client.on('ready', () => this.#onReady())
    this.#client.on('end', () => this.#onClosed())
    this.#client.on('close', () => this.#onClosed())
    this.#client.on('change password', () => this.#fail(passwordExpired()))
    if (signal.aborted) onAbort()
    else if (this.#link.destroyed) this.#fail(mapClosed('handshake'))
  }

  readonly #onBytes = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.#bytes > this.#options.maxBytes) {
      this.#fail(protocolError('too_much_before_login', 'the target sent too much before authentication'))
    }
  }

  #readIdentification(chunk: Buffer): Buffer | null {
    try {
      return this.#settled ? null : this.#identification.push(chunk)
    } catch (error) {
      this.#fail(error)
      return null
    }
  }

  #onClosed(): void {
    this.#fail(this.#mapError(closedByPeer()))
  }

  #mapError(error: Error): KrownError {
    const { complete, sawOtherLines } = this.#identification
    const mapped = mapLibraryError(this.#phaseForErrors(), error)
    if (complete || mapped.code !== 'TARGET_UNREACHABLE') return mapped
    return sawOtherLines ? notSsh() : droppedEarly(error)
  }

  #onReady(): void {
    // The target may announce success unasked.
    if (this.#authenticator.begun) this.#succeed()
    else this.#fail(protocolError('malformed', 'the target broke the SSH protocol'))
  }

  #succeed(): void {
    const { accepted } = this.#gate
    // It may also do so before the host key was accepted.
    if (!accepted) {
      this.#fail(protocolError('malformed', 'the target broke the SSH protocol'))
    } else if (this.#settle()) {
      const internals = internalsOf(this.#client)
      forgetEphemeralKey(internals)
      this.#client.removeAllListeners()
      const handshaken = { client: this.#client, link: this.#link, internals, hostKey: accepted }
      this.#result.resolve(this.#request.adopt(handshaken))
    }
  }

  #fail(reason: unknown): void {
    if (!this.#settle()) return
    this.#client.removeAllListeners()
    this.#client.on('error', ignore)
    this.#link.destroy()
    this.#result.reject(reason)
  }

  /** True the first time; afterwards nothing of the dial, the credential least of all, is held any more. */
  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#release()
    this.#link.off('data', this.#onBytes)
    this.#gate.close()
    this.#authenticator.forget()
    return true
  }

  #timeout(): KrownError {
    if (this.#gate.deciding) return new KrownError('UNAVAILABLE', 'the host key could not be checked in time')
    return this.#identification.sawOtherLines ? notSsh() : targetTimeout(this.#phase)
  }

  /** A connection that ends after a credential was sent is an answer to it. */
  #phaseForErrors(): 'handshake' | 'auth' {
    return this.#authenticator.begun ? 'auth' : 'handshake'
  }
}

function ignore(): void {}

function passwordExpired(): KrownError {
  return new KrownError('TARGET_AUTH_FAILED', 'the target wants the password to be changed', {
    details: { phase: 'auth', reason: 'password_expired' },
  })
}
