import type { CredentialId, RemoteKrownClient } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { collectPages } from '../commands/list.js'
import { EXIT } from '../exit-codes.js'
import { isId } from './target.js'

/** An organization has fewer; a server that names ever more of them is not believed. */
const MAX_CREDENTIALS = 100_000

/** Servers know credentials by id; people know them by name. */
export async function credentialIdOf(client: RemoteKrownClient, nameOrId: string): Promise<CredentialId> {
  if (isId(nameOrId)) return nameOrId as CredentialId
  const { items } = await collectPages((query) => client.credentials.list(query), { limit: MAX_CREDENTIALS })
  const credential = items.find(({ name }) => name === nameOrId)
  if (credential) return credential.id
  const hint = '"krown credentials ls" has them all'
  throw new CliError(`there is no credential ${nameOrId}`, EXIT.notFound, hint)
}
