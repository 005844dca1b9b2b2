import type { RemoteKrownClient, UserId } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import { isId } from './target.js'

/** Servers know users by id; people know them by name, which several may share who come from elsewhere. */
export async function userIdOf(client: RemoteKrownClient, nameOrId: string): Promise<UserId> {
  if (isId(nameOrId)) return nameOrId as UserId
  const { items } = await client.users.list({ username: nameOrId })
  const [user, other] = items.filter(({ username }) => username.toLowerCase() === nameOrId.toLowerCase())
  if (!user)
    throw new CliError(`there is no user ${nameOrId}`, EXIT.notFound, '"krown users ls" has them all')
  if (other) throw new CliError(`several users are called ${nameOrId}`, EXIT.conflict, 'name one by its id')
  return user.id
}
