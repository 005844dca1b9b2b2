import type { RemoteKrownClient, Session } from '@krown/sdk'
import { CliError, usageError } from '../cli-error.js'
import type { Connection, Context } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { hasField, isCode } from '../output/explain-error.js'
import { HintedError } from '../output/hinted-error.js'
import { hintingAtHostKey, wordsOf } from '../output/host-key-hint.js'
import type { Secrets } from '../terminal/secrets.js'
import { notSeen } from './find-target.js'
import { findMeantTarget, type MeantTarget } from './meant-target.js'
import { parseTarget } from './target.js'
import { type AuthOptions, type AuthQuestion, targetAuth } from './target-auth.js'

/** What `sessions open` and `exec` take to reach a target. */
export interface TargetOptions extends AuthOptions {
  readonly port?: number
  readonly hostKey?: string
}

export interface OpenSessionParts {
  readonly context: Context
  readonly connection: Connection
  readonly secrets: Secrets
}

/** Opens a session to the target of that name, or else to [user@]host. */
export async function openSession(
  parts: OpenSessionParts,
  destination: string,
  options: TargetOptions,
): Promise<Session> {
  const target = await findMeantTarget(parts.connection.client, destination)
  return target ? openTarget(parts, target, options) : openHost(parts, destination, options)
}

/** With what the server has for it, or with what is given here; asks when there is neither. */
async function openTarget(
  parts: OpenSessionParts,
  target: MeantTarget,
  options: TargetOptions,
): Promise<Session> {
  const { port, hostKey, identity, passwordStdin } = options
  if (port !== undefined || hostKey !== undefined) throw ofHostsOnly(target)
  const open = () => openByName(parts.connection.client, target)
  const openWithOwn = async () => {
    const auth = await targetAuth(questionAbout(parts, target.who, options))
    return openByName(parts.connection.client, target, { auth })
  }
  if (identity !== undefined || passwordStdin) return openWithOwn()
  try {
    return await open()
  } catch (error) {
    if (hasField(error, 'auth')) return openWithOwn()
    throw error
  }
}

async function openByName(
  { sessions }: RemoteKrownClient,
  { name, input, isUnseen }: MeantTarget,
  own: Partial<Pick<AuthInput, 'auth'>> = {},
): Promise<Session> {
  try {
    const place = { words: name, isTarget: true }
    return (await hintingAtHostKey(place, () => sessions.open({ ...input, ...own }))).session
  } catch (error) {
    if (!isUnseen || !(isCode(error, 'NOT_FOUND') || isCode(error, 'FORBIDDEN'))) throw error
    throw new HintedError(error, notSeen(`for the host of that name write user@${name}`))
  }
}

type AuthInput = { auth: Awaited<ReturnType<typeof targetAuth>> }

function ofHostsOnly({ name, isUnseen }: MeantTarget): CliError {
  const hint = `for the host of that name write user@${name}`
  return isUnseen
    ? new CliError(`you may not see whether ${name} is a target`, EXIT.forbidden, notSeen(hint))
    : usageError(`${name} is a target, which has its own port and host key`, hint)
}

/** Asks for what is missing, then connects; that nobody knew the host before is said. */
async function openHost(parts: OpenSessionParts, text: string, options: TargetOptions): Promise<Session> {
  const { host, username } = parseTarget(text)
  const { output } = parts.context
  const { client } = parts.connection
  await requireHostsAllowed(client, text)
  const isAsked = options.identity === undefined && !options.passwordStdin
  if (isAsked && !text.includes('@'))
    await output.note(`there is no target ${host} that you may use: it is taken as a host`)
  const auth = await targetAuth(questionAbout(parts, `${username}@${host}`, options))
  const { port, hostKey: hostKeyFingerprint } = options
  const input = { host, port, username, auth, hostKeyFingerprint }
  const place = { words: wordsOf(host, port), isTarget: false }
  const { session } = await hintingAtHostKey(place, () => client.sessions.open(input))
  if (session.hostKeyNewlyPinned) {
    await output.note(`${host} is new: its host key ${session.hostKeyFingerprint} is pinned from now on`)
  }
  return session
}

/** Before anybody types a password for nothing. */
async function requireHostsAllowed({ system }: RemoteKrownClient, text: string): Promise<void> {
  const { capabilities } = await system.info()
  if (capabilities.includes('adhoc_hosts') || !capabilities.includes('targets')) return
  const [what, hint] = text.includes('@')
    ? [
        `${text} is a host, and this server reaches only targets of its inventory`,
        'name a target, without user@',
      ]
    : [`there is no target ${text} that you may use, and this server reaches no other hosts`, 'look for it']
  throw new CliError(what, EXIT.target, `${hint}: "krown targets ls"`)
}

function questionAbout(
  { context, connection, secrets }: OpenSessionParts,
  who: string,
  options: TargetOptions,
): AuthQuestion {
  return { who, serverUrl: connection.url, options, secrets, output: context.output }
}
