import type { ApiToken, ApiTokenId, RemoteKrownClient } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { collectPages } from '../commands/list.js'
import { EXIT } from '../exit-codes.js'
import { isId } from './target.js'

const MAX_TOKENS = 10_000

/** Servers know API tokens by id; people know their own by name, which several may share. */
export async function tokenIdOf(client: RemoteKrownClient, nameOrId: string): Promise<ApiTokenId> {
  if (isId(nameOrId)) return nameOrId as ApiTokenId
  const { items } = await collectPages((query) => client.tokens.list(query), { limit: MAX_TOKENS })
  const [token, other] = items.filter((one) => one.name === nameOrId && isLive(one))
  if (!token) {
    const hint =
      'only your own go by name: "krown tokens ls" has them all; name that of somebody else by its id'
    throw new CliError(`you have no API token ${nameOrId} that is good`, EXIT.notFound, hint)
  }
  if (other) throw new CliError(`several tokens are called ${nameOrId}`, EXIT.conflict, 'name one by its id')
  return token.id
}

const isLive = ({ revokedAt, expiresAt }: ApiToken) =>
  revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > Date.now())
