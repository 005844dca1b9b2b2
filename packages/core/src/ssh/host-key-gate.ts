import { KrownError } from '../errors/krown-error.js'
import { RSA_BITS } from './algorithms.js'
import type { PresentedHostKey } from './connector.js'
import { protocolError } from './error-mapping.js'
import { describeHostKey, rsaBits } from './fingerprint.js'

export interface HostKeyGateOptions {
  readonly legacyAlgorithms: boolean
  /** Throws to refuse; called once per connection. */
  verify(key: PresentedHostKey): Promise<void>
  /** Told why the key is refused, before ssh2 is. */
  onRefused(reason: unknown): void
}

/** Stands between the key exchange and everything that follows: nothing passes until the host key was accepted. */
export class HostKeyGate {
  #options: HostKeyGateOptions | null
  #asked = false
  #accepted: PresentedHostKey | null = null

  constructor(options: HostKeyGateOptions) {
    this.#options = options
  }

  /** The key, once it was accepted. */
  get accepted(): PresentedHostKey | null {
    return this.#accepted
  }

  /** Whether it is us, and not the target, who is being waited for. */
  get deciding(): boolean {
    return this.#asked && this.#accepted === null
  }

  /**
   * ssh2's `hostVerifier`, on every key exchange. It returns nothing on purpose: ssh2 takes any returned value for
   * an answer, and a promise, whatever it resolves to, for yes.
   */
  readonly check = (blob: Buffer, decide: (accepted: boolean) => void): void => {
    if (this.#accepted) decide(this.#accepted.blob.equals(blob))
    else if (this.#asked) decide(false)
    else void this.#ask(blob, decide)
  }

  /** From now on nobody is asked or told; later key exchanges are still held to the accepted key. */
  close(): void {
    this.#options = null
  }

  async #ask(blob: Buffer, decide: (accepted: boolean) => void): Promise<void> {
    this.#asked = true
    try {
      const key = presentable(blob, this.#options?.legacyAlgorithms ?? false)
      await this.#options?.verify(key)
      // Closed while the verifier was busy: ssh2 is gone, and would throw.
      if (!this.#options) return
      this.#accepted = key
      decide(true)
    } catch (reason) {
      this.#options?.onRefused(reason)
    }
  }
}

// Before anybody looks at the key: an RSA key that is too long costs seconds of CPU to check a signature with.
function presentable(blob: Buffer, legacy: boolean): PresentedHostKey {
  const key = describeHostKey(blob)
  if (!key) throw protocolError('malformed', 'the target sent a malformed host key')
  if (key.algorithm !== 'ssh-rsa') return key
  const bits = rsaBits(blob) ?? 0
  const min = legacy ? RSA_BITS.legacyMin : RSA_BITS.min
  if (bits >= min && bits <= RSA_BITS.max) return key
  throw new KrownError(
    'TARGET_PROTOCOL_ERROR',
    'the RSA host key of the target has a length that is not allowed',
    {
      details: { phase: 'handshake', reason: 'host_key_length', minBits: min, maxBits: RSA_BITS.max },
    },
  )
}
