import type { Session, Target } from '@krown/sdk'
import { usageError } from '../cli-error.js'
import type { Connection, Context } from '../context.js'
import { hasField } from '../output/explain-error.js'
import type { Secrets } from '../terminal/secrets.js'
import { findMeantTarget } from './find-target.js'
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
async function openTarget(parts: OpenSessionParts, target: Target, options: TargetOptions): Promise<Session> {
  const { port, hostKey, identity, passwordStdin } = options
  if (port !== undefined || hostKey !== undefined) {
    const hint = `for the host of that name write user@${target.name}`
    throw usageError(`${target.name} is a target, which has its own port and host key`, hint)
  }
  const { sessions } = parts.connection.client
  const openWithOwn = async () => {
    const auth = await targetAuth(questionAbout(parts, `${target.username}@${target.name}`, options))
    return (await sessions.open({ targetId: target.id, auth })).session
  }
  if (identity !== undefined || passwordStdin) return openWithOwn()
  try {
    return (await sessions.open({ targetId: target.id })).session
  } catch (error) {
    if (hasField(error, 'auth')) return openWithOwn()
    throw error
  }
}

/** Asks for what is missing, then connects; that nobody knew the host before is said. */
async function openHost(parts: OpenSessionParts, text: string, options: TargetOptions): Promise<Session> {
  const { host, username } = parseTarget(text)
  const auth = await targetAuth(questionAbout(parts, `${username}@${host}`, options))
  const { port, hostKey: hostKeyFingerprint } = options
  const input = { host, port, username, auth, hostKeyFingerprint }
  const { session } = await parts.connection.client.sessions.open(input)
  if (session.hostKeyNewlyPinned) {
    const { output } = parts.context
    await output.note(`${host} is new: its host key ${session.hostKeyFingerprint} is pinned from now on`)
  }
  return session
}

function questionAbout(
  { context, connection, secrets }: OpenSessionParts,
  who: string,
  options: TargetOptions,
): AuthQuestion {
  return { who, serverUrl: connection.url, options, secrets, output: context.output }
}
