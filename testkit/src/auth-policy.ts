import type { AuthenticationType } from 'ssh2'

export interface KeyboardRound {
  name?: string
  instructions?: string
  /** `echo` is false unless said. */
  prompts: { prompt: string; echo?: boolean }[]
  answers: string[]
}

/** What the server accepts; what is not named is refused. */
export interface AuthPolicy {
  /** Default: any. */
  username?: string
  /** `true`: any password. */
  password?: string | true
  /** `authorized_keys` lines; `true`: any key whose signature is right. */
  publicKeys?: string[] | true
  /** All rounds must be answered right. */
  keyboardInteractive?: KeyboardRound[]
  /** Must pass first; then another method must pass too. */
  firstFactor?: 'publickey' | 'password'
}

export interface AuthAttempt {
  connectionId: number
  username: string
  method: AuthenticationType
  accepted: boolean
  password?: string
  publicKeyFingerprint?: string
  /** False: the client only asked whether the key would do. */
  signed?: boolean
  /** Of all rounds so far. */
  answers?: string[]
}
