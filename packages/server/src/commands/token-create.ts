import { API_TOKEN_SCOPES, type ApiTokenScope, KrownError, nearestName, parseDuration } from '@krown/core'
import { openAdmin } from './admin-account.js'
import type { Io } from './io.js'
import type { ConfigOptions } from './read-config.js'

interface CreateTokenOptions extends ConfigOptions {
  readonly user: string
  readonly name: string
  readonly scope?: readonly string[]
  readonly expires?: string
}

/** Makes an API token without signing in. Standard output has the token alone, for a script to take. */
export async function createToken(options: CreateTokenOptions, io: Io): Promise<number> {
  const { user, name, scope, expires } = options
  const input = {
    username: user,
    name,
    ...(scope && { scopes: scope.map(toScope) }),
    ...(expires !== undefined && { expiresAt: toTime(expires) }),
  }
  await using admin = await openAdmin(options, io)
  const token = await admin.createToken(input)
  const end = token.expiresAt === null ? 'never expires' : `expires at ${token.expiresAt}`
  io.stderr.write(`API token ${token.id} of ${user} is made; it ${end}. It is shown this once:\n`)
  io.stdout.write(`${token.token}\n`)
  return 0
}

function toScope(text: string): ApiTokenScope {
  const scope = API_TOKEN_SCOPES.find((one) => one === text)
  if (scope !== undefined) return scope
  const nearest = nearestName(text, API_TOKEN_SCOPES)
  const hint = nearest === undefined ? `there are ${API_TOKEN_SCOPES.join(', ')}` : `did you mean ${nearest}?`
  throw new KrownError('VALIDATION_FAILED', `--scope ${text} is not known: ${hint}`)
}

/** Null for never. What is a date is for core to judge. */
function toTime(text: string): string | null {
  if (text === 'never') return null
  const fromNow = parseDuration(text)
  const time = fromNow === undefined ? Date.parse(text) : Date.now() + fromNow
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) {
    const message = '--expires takes a time from now such as 30d, a date such as 2027-01-31, or never'
    throw new KrownError('VALIDATION_FAILED', message)
  }
  return date.toISOString()
}
