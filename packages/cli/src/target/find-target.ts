import type { RemoteKrownClient, Target, TargetId } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import { isCode } from '../output/explain-error.js'
import { isId } from './target.js'

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/i

/** The target of that name; undefined when there is none that the caller may see. */
async function findTargetByName(client: RemoteKrownClient, name: string): Promise<Target | undefined> {
  if (!NAME.test(name)) return undefined
  return (await client.targets.list({ name })).items[0]
}

/** Servers know targets by id; people know them by name. */
export async function getTarget(client: RemoteKrownClient, nameOrId: string): Promise<Target> {
  if (isId(nameOrId)) return client.targets.get(nameOrId as TargetId)
  const target = await findTargetByName(client, nameOrId)
  if (target) return target
  throw new CliError(`there is no target ${nameOrId}`, EXIT.notFound, '"krown targets ls" has them all')
}

/**
 * The target that is meant where a host could be meant, too: by one word without `@`, which is the name of a target.
 * Who may see no targets means a host.
 */
export async function findMeantTarget(client: RemoteKrownClient, text: string): Promise<Target | undefined> {
  return findTargetByName(client, text).catch((error) => {
    if (isCode(error, 'FORBIDDEN')) return undefined
    throw error
  })
}
