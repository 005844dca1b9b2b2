import ssh2, {
  type AuthContext,
  type AuthenticationType,
  type KeyboardAuthContext,
  type PublicKeyAuthContext,
} from 'ssh2'
import type { AuthAttempt, AuthPolicy, KeyboardRound } from './auth-policy.js'
import { fingerprintOf } from './keys.js'

/** Decides the attempts of one connection and records them. */
export class AuthScript {
  readonly #policy: AuthPolicy
  readonly #connectionId: number
  readonly #record: (attempt: AuthAttempt) => void
  #firstFactorPassed: boolean

  constructor(policy: AuthPolicy, connectionId: number, record: (attempt: AuthAttempt) => void) {
    this.#policy = policy
    this.#connectionId = connectionId
    this.#record = record
    this.#firstFactorPassed = policy.firstFactor === undefined
  }

  /** Writes down what arrived. */
  note(context: AuthContext): AuthAttempt {
    const { username, method } = context
    const attempt: AuthAttempt = { connectionId: this.#connectionId, username, method, accepted: false }
    if (context.method === 'password') attempt.password = context.password
    if (context.method === 'publickey') {
      attempt.publicKeyFingerprint = fingerprintOf(context.key.data)
      attempt.signed = context.signature !== undefined
    }
    this.#record(attempt)
    return attempt
  }

  async decide(context: AuthContext, attempt: AuthAttempt): Promise<void> {
    const right = this.#mayUse(context) && (await this.#isRight(context, attempt))
    if (!right) return context.reject(this.#methods(), false)
    attempt.accepted = true
    const isProof = context.method !== 'publickey' || context.signature !== undefined
    if (this.#firstFactorPassed || !isProof) return context.accept()
    this.#firstFactorPassed = true
    context.reject(this.#methods(), true)
  }

  #mayUse(context: AuthContext): boolean {
    const { username } = this.#policy
    return (username ?? context.username) === context.username && this.#methods().includes(context.method)
  }

  async #isRight(context: AuthContext, attempt: AuthAttempt): Promise<boolean> {
    const { password } = this.#policy
    if (context.method === 'password') return password === true || password === context.password
    if (context.method === 'publickey') return isAuthorized(context, this.#policy.publicKeys ?? [])
    if (context.method === 'keyboard-interactive') return this.#askRounds(context, attempt)
    return false
  }

  async #askRounds(context: KeyboardAuthContext, attempt: AuthAttempt): Promise<boolean> {
    attempt.answers = []
    let right = true
    for (const round of this.#policy.keyboardInteractive ?? []) {
      const answers = await ask(context, round)
      attempt.answers.push(...answers)
      right &&= answers.join('\0') === round.answers.join('\0')
    }
    return right
  }

  #methods(): AuthenticationType[] {
    const { publicKeys, password, keyboardInteractive, firstFactor } = this.#policy
    if (firstFactor && !this.#firstFactorPassed) return [firstFactor]
    const offered: AuthenticationType[] = []
    if (publicKeys) offered.push('publickey')
    if (password !== undefined) offered.push('password')
    if (keyboardInteractive) offered.push('keyboard-interactive')
    return offered.filter((method) => method !== firstFactor)
  }
}

function ask(context: KeyboardAuthContext, round: KeyboardRound): Promise<string[]> {
  const prompts = round.prompts.map(({ prompt, echo = false }) => ({ prompt, echo }))
  const { name = '', instructions = '' } = round
  return new Promise((resolve) => {
    // An abort by the client gives an Error instead of answers.
    context.prompt(prompts, name, instructions, (answers: unknown) =>
      resolve(Array.isArray(answers) ? answers : []),
    )
  })
}

function isAuthorized(context: PublicKeyAuthContext, authorized: string[] | true): boolean {
  const { key, blob, signature, hashAlgo } = context
  const known =
    authorized === true || authorized.some((line) => fingerprintOf(line) === fingerprintOf(key.data))
  if (!known || !signature || !blob) return known
  const type = key.data.subarray(4, 4 + key.data.readUInt32BE(0)).toString()
  const parsed = ssh2.utils.parseKey(`${type} ${key.data.toString('base64')}`)
  return !(parsed instanceof Error) && parsed.verify(blob, signature, hashAlgo) === true
}
