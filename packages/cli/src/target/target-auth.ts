import type { SessionAuth } from '@krown/sdk'
import { CliError, usageError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import type { Output } from '../output/output.js'
import type { Secrets } from '../terminal/secrets.js'
import { readPrivateKey } from './private-key.js'

export interface AuthOptions {
  readonly identity?: string
  readonly passwordStdin?: boolean
  readonly yes?: boolean
}

export interface AuthQuestion {
  /** `user@host`, for the questions. */
  readonly who: string
  /** Where a key would be sent. */
  readonly serverUrl: string
  readonly options: AuthOptions
  readonly secrets: Secrets
  readonly output: Output
}

/** How to sign in on the target: with the key that was named, or else a password. */
export async function targetAuth(question: AuthQuestion): Promise<SessionAuth> {
  const { who, options, secrets } = question
  if (options.identity !== undefined) return keyAuth(question, options.identity)
  return { method: 'password', password: await secrets.password(`password of ${who}`) }
}

async function keyAuth(question: AuthQuestion, path: string): Promise<SessionAuth> {
  const { secrets, options } = question
  const key = await readPrivateKey(path)
  await agreeToSend(question, path)
  if (!key.isEncrypted) {
    if (options.passwordStdin) throw usageError(`${path} needs no passphrase: leave --password-stdin out`)
    return { method: 'key', privateKey: key.text }
  }
  const passphrase = await secrets.password(`passphrase of ${path}`)
  return { method: 'key', privateKey: key.text, passphrase }
}

/** The SSH connection begins at the server, so the key has to be there: who is used to ssh does not expect that. */
async function agreeToSend(
  { serverUrl, options, secrets, output }: AuthQuestion,
  path: string,
): Promise<void> {
  await output.note(
    `the private key ${path} goes to ${serverUrl}, which uses it for this connection and does not keep it`,
  )
  if (options.yes) return
  const terminal = secrets.terminal('your consent to that', 'give it with --yes')
  if (!(await terminal.confirm('Send it?'))) throw new CliError('the key was not sent', EXIT.failed)
}
