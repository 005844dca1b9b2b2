import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function usersApi({ trpc }: ApiParts): KrownClient['users'] {
  return {
    list: (query = {}) => translated(trpc.users.list.query(query)),
    get: (userId) => translated(trpc.users.get.query({ userId })),
    create: (input) => translated(trpc.users.create.mutate(input)),
    update: (userId, change) => translated(trpc.users.update.mutate({ ...change, userId })),
  }
}
