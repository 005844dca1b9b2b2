import type { RemoteKrownClient, TargetId } from '@krown/sdk'
import { isCode } from '../output/explain-error.js'
import { findTargetByName } from './find-target.js'

/** What a session is to be opened to by its name. */
export interface MeantTarget {
  readonly name: string
  /** For questions: `user@name`, where the user is known. */
  readonly who: string
  readonly input: { targetId: TargetId } | { targetName: string }
  /** The caller may not look, so that nobody knows yet whether there is such a target. */
  readonly isUnseen: boolean
}

/** The target that one word without `@` means; undefined when there is none, so that it means a host. */
export async function findMeantTarget(
  client: RemoteKrownClient,
  name: string,
): Promise<MeantTarget | undefined> {
  try {
    const target = await findTargetByName(client, name)
    if (!target) return undefined
    const { id: targetId, username } = target
    return { name: target.name, who: `${username}@${target.name}`, input: { targetId }, isUnseen: false }
  } catch (error) {
    // An API token may open sessions by name, and need not see targets.
    if (!isCode(error, 'FORBIDDEN')) throw error
    return { name, who: name, input: { targetName: name }, isUnseen: true }
  }
}
