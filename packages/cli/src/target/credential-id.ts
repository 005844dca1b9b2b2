import type { CredentialId, RemoteKrownClient } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import { isId } from './target.js'

/** Servers know credentials by id; people know them by name. */
export async function credentialIdOf(client: RemoteKrownClient, nameOrId: string): Promise<CredentialId> {
  if (isId(nameOrId)) return nameOrId as CredentialId
  const { items } = await client.credentials.list({ name: nameOrId })
  const credential = items.find(({ name }) => name === nameOrId)
  if (credential) return credential.id
  const hint = '"krown credentials ls" has them all'
  throw new CliError(`there is no credential ${nameOrId}`, EXIT.notFound, hint)
}
