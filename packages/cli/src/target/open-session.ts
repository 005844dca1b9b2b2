import type { Session } from '@krown/sdk'
import type { Connection, Context } from '../context.js'
import type { Secrets } from '../terminal/secrets.js'
import { parseTarget } from './target.js'
import { type AuthOptions, targetAuth } from './target-auth.js'

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

/** Asks for what is missing, then connects; that nobody knew the host before is said. */
export async function openSession(
  { context: { output }, connection, secrets }: OpenSessionParts,
  target: string,
  options: TargetOptions,
): Promise<Session> {
  const { host, username } = parseTarget(target)
  const question = { who: `${username}@${host}`, serverUrl: connection.url, options, secrets, output }
  const auth = await targetAuth(question)
  const { port, hostKey: hostKeyFingerprint } = options
  const { session } = await connection.client.sessions.open({
    host,
    port,
    username,
    auth,
    hostKeyFingerprint,
  })
  if (session.hostKeyNewlyPinned) {
    await output.note(`${host} is new: its host key ${session.hostKeyFingerprint} is pinned from now on`)
  }
  return session
}
