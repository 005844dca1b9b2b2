import type { RemoteKrownClient, TargetId } from '@krown/sdk'
import { getTarget } from './find-target.js'
import { isId } from './target.js'

/** Servers know targets by id; people know them by name. */
export async function targetIdOf(client: RemoteKrownClient, nameOrId: string): Promise<TargetId> {
  return isId(nameOrId) ? (nameOrId as TargetId) : (await getTarget(client, nameOrId)).id
}
