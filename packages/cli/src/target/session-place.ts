import type { RemoteKrownClient, SessionQuery } from '@krown/sdk'
import { findTargetOrHost } from './find-target.js'

/** What to filter sessions by: the target of that name, else the host. @param otherwise As for `findTargetOrHost`. */
export async function sessionPlaceOf(
  client: RemoteKrownClient,
  text: string | undefined,
  otherwise: string,
): Promise<Pick<SessionQuery, 'targetId' | 'host'>> {
  if (text === undefined) return {}
  const target = await findTargetOrHost(client, text, otherwise)
  return target ? { targetId: target.id } : { host: text }
}
