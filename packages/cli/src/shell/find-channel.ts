import type { Channel, ChannelId, RemoteKrownClient, Session, SessionId } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { collectPages } from '../commands/list.js'
import { EXIT } from '../exit-codes.js'
import { isCode } from '../output/explain-error.js'
import { formatTime } from '../output/time.js'
import { visible } from '../output/visible.js'
import { sessionPlaceOf } from '../target/session-place.js'
import { isId } from '../target/target.js'

const MAX_SESSIONS = 200

/** A channel with the session that it is in. */
export interface SessionChannel {
  readonly session: Session
  readonly channel: Channel
}

/**
 * The channel that is meant by its id, or by its session, target or host when nothing else runs there.
 *
 * @throws CliError when there is none, or several: it names them.
 */
export async function findChannel(client: RemoteKrownClient, text: string): Promise<Channel> {
  const found = await candidatesFor(client, text)
  const [only, other] = found
  if (only && !other) return only.channel
  if (!only) {
    const hint = `"krown channels ls" has what runs; "krown shell ${text}" opens a shell`
    throw new CliError(`nothing runs in ${text}`, EXIT.notFound, hint)
  }
  const hint = ['name one by its id:', ...found.map(describe)].join('\n  ')
  throw new CliError(`several run in ${text}`, EXIT.conflict, hint)
}

/** What runs in the open sessions that a word means: all that the caller may see without one. */
export async function listChannels(
  client: RemoteKrownClient,
  text: string | undefined,
): Promise<SessionChannel[]> {
  const found: SessionChannel[] = []
  for (const session of await openSessions(client, text)) {
    const channels = await client.channels.list(session.id).catch((error) => {
      // It ended meanwhile, or its target is not to be watched.
      if (isCode(error, 'NOT_FOUND') || isCode(error, 'FORBIDDEN')) return []
      throw error
    })
    found.push(...channels.map((channel) => ({ session, channel })))
  }
  return found
}

async function candidatesFor(
  client: RemoteKrownClient,
  text: string,
): Promise<Pick<SessionChannel, 'channel'>[]> {
  if (!isId(text)) return listChannels(client, text)
  try {
    return [{ channel: await client.channels.get(text as ChannelId) }]
  } catch (error) {
    if (!isCode(error, 'NOT_FOUND')) throw error
  }
  return (await client.channels.list(text as SessionId)).map((channel) => ({ channel }))
}

async function openSessions(client: RemoteKrownClient, text: string | undefined): Promise<Session[]> {
  if (text !== undefined && isId(text)) return [await client.sessions.get(text as SessionId)]
  const place = await sessionPlaceOf(client, text, 'name a session by its id')
  const list = (query: object) => client.sessions.list({ ...query, status: 'connected', ...place })
  return (await collectPages(list, { limit: MAX_SESSIONS })).items
}

function describe({ channel }: Pick<SessionChannel, 'channel'>): string {
  return `${channel.id}  ${whatRuns(channel)}, since ${formatTime(channel.startedAt)}`
}

/** `shell`, or the command. */
export function whatRuns({ kind, command }: Channel): string {
  return kind === 'shell' ? 'shell' : visible(command)
}
