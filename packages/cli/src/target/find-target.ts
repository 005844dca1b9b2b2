import type { RemoteKrownClient, Target, TargetId } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import { isCode } from '../output/explain-error.js'
import { isId } from './target.js'

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/i

/** The target of that name; undefined when there is none that the caller may see. */
export async function findTargetByName(client: RemoteKrownClient, name: string): Promise<Target | undefined> {
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
 * The target of that name where a host may be meant instead; undefined when it is no target.
 *
 * @param otherwise How to say that the host is meant.
 * @throws CliError when that cannot be told: an API token need not be able to see targets.
 */
export async function findTargetOrHost(
  client: RemoteKrownClient,
  name: string,
  otherwise: string,
): Promise<Target | undefined> {
  try {
    return await findTargetByName(client, name)
  } catch (error) {
    if (!isCode(error, 'FORBIDDEN')) throw error
    throw new CliError(`you may not see whether ${name} is a target`, EXIT.forbidden, notSeen(otherwise))
  }
}

/** What to do without the right to see targets. */
export function notSeen(otherwise: string): string {
  return `to see that takes target:read, for an API token as a scope; ${otherwise}`
}
