import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function tokensApi({ trpc }: ApiParts): KrownClient['tokens'] {
  return {
    create: (input) => translated(trpc.tokens.create.mutate(input)),
    list: (query = {}) => translated(trpc.tokens.list.query(query)),
    revoke: (tokenId) => translated(trpc.tokens.revoke.mutate({ tokenId })),
  }
}
