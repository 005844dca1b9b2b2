import type { RemoteKrownClient, TargetId } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import { isId } from './target.js'

/** Servers know targets by id; people know them by name. */
export async function targetIdOf(client: RemoteKrownClient, nameOrId: string): Promise<TargetId> {
  if (isId(nameOrId)) return nameOrId as TargetId
  const name = nameOrId.toLowerCase()
  // A name has no wildcards in it, so there is one at most.
  const isName = /^[a-z0-9._-]+$/.test(name)
  const { items } = isName ? await client.targets.list({ selector: `name:${name}` }) : { items: [] }
  const target = items.find((item) => item.name === name)
  if (!target)
    throw new CliError(`there is no target ${nameOrId}`, EXIT.notFound, '"krown targets ls" has them all')
  return target.id
}
