import type { AnyAuthMethod, ParsedKey } from 'ssh2'
import { KrownError } from '../errors/krown-error.js'
import { protocolError } from './error-mapping.js'

/** A credential that was read and is ready to be used. */
export type Credential = { method: 'password'; password: string } | { method: 'key'; key: ParsedKey }

export interface AuthenticatorOptions {
  readonly username: string
  readonly credential: Credential
  /** True once the host key was accepted. */
  mayBegin(): boolean
  onRefused(reason: KrownError): void
}

type Method = 'password' | 'keyboard-interactive' | 'publickey'

const KNOWN_METHODS = new Set([
  'password',
  'keyboard-interactive',
  'publickey',
  'hostbased',
  'gssapi-with-mic',
])
// Real targets ask once or twice; one that goes on only wants to hear the password again.
const MAX_KEYBOARD_ROUNDS = 5

/**
 * Tries exactly what was asked. A key is tried as `publickey`. A password is tried as `password`, then, if the
 * target takes no `password` at all, as the answer to `keyboard-interactive` (RFC 4256). No `none` attempt goes
 * first, and nothing that was not asked for is ever tried.
 */
export class Authenticator {
  #options: AuthenticatorOptions | null
  #tried: Method | null = null
  #rounds = 0
  // ssh2 keeps what it is given as long as the connection lives, so it is given things that can be emptied.
  readonly #password: Buffer | null
  readonly #key: ParsedKey | null

  constructor(options: AuthenticatorOptions) {
    this.#options = options
    const { credential } = options
    this.#password = credential.method === 'password' ? Buffer.from(credential.password) : null
    this.#key = credential.method === 'key' ? Object.create(credential.key) : null
  }

  /** Whether a credential was sent. */
  get begun(): boolean {
    return this.#tried !== null
  }

  /** ssh2's `authHandler`: the next attempt, or false for giving up. */
  readonly next = (methodsLeft: readonly string[] | null, partial: boolean | null): AnyAuthMethod | false => {
    if (!this.#options) return false
    // The target may send what makes ssh2 begin while the verifier is still busy, and ssh2 would then send the
    // credential in the clear: the new cipher is not yet in place.
    if (!this.#options.mayBegin())
      return this.#refuse(protocolError('malformed', 'the target broke the SSH protocol'))
    const method = this.#nextMethod(methodsLeft ?? [], partial === true)
    if (!method) return this.#refuse(refusal(methodsLeft ?? [], partial === true))
    this.#tried = method
    return this.#attempt(method, this.#options.username)
  }

  /** Forgets the credential. Every later attempt that the target provokes is refused. */
  forget(): void {
    this.#options = null
    this.#password?.fill(0)
    if (this.#key) Object.setPrototypeOf(this.#key, null)
  }

  #nextMethod(methodsLeft: readonly string[], partial: boolean): Method | null {
    if (this.#key) return this.#tried ? null : 'publickey'
    if (!this.#tried) return 'password'
    const onlyKeyboard = methodsLeft.includes('keyboard-interactive') && !methodsLeft.includes('password')
    return this.#tried === 'password' && onlyKeyboard && !partial ? 'keyboard-interactive' : null
  }

  #attempt(type: Method, username: string): AnyAuthMethod {
    if (type === 'publickey') return { type, username, key: this.#key as ParsedKey }
    // The types know strings only; ssh2 takes both.
    if (type === 'password') return { type, username, password: this.#password as unknown as string }
    return {
      type,
      username,
      prompt: (...[, , , prompts, answer]) => this.#answer(prompts, answer),
    }
  }

  #answer(prompts: readonly unknown[], answer: (answers: string[]) => void): void {
    this.#rounds += 1
    if (this.#rounds > MAX_KEYBOARD_ROUNDS) this.#refuse(refusal(['keyboard-interactive'], false))
    else if (this.#options) answer(prompts.map(() => this.#password?.toString() ?? ''))
  }

  #refuse(reason: KrownError): false {
    this.#options?.onRefused(reason)
    return false
  }
}

/** The target wants more than one credential, or does not want this one. */
function refusal(methodsLeft: readonly string[], partial: boolean): KrownError {
  const message = partial
    ? 'the target asks for a second credential after this one'
    : 'the target refused the credential'
  return new KrownError('TARGET_AUTH_FAILED', message, {
    details: {
      phase: 'auth',
      reason: partial ? 'more_required' : 'rejected',
      // Only names we know: the list is text of the target.
      methods: methodsLeft.filter((name) => KNOWN_METHODS.has(name)),
    },
  })
}
