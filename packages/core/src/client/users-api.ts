import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { userIdSchema } from '../model/ids-schema.js'
import type { KrownClient } from '../model/krown-client.js'
import { createUserInputSchema, updateUserInputSchema, userQuerySchema } from '../model/user.js'
import type { ClientServices } from './client-services.js'

export function usersApi({ users }: Pick<ClientServices, 'users'>, actor: Actor): KrownClient['users'] {
  return {
    list: async (query = {}) => users.list(actor, parseInput(userQuerySchema, query)),
    get: async (id) => users.get(actor, parseInput(userIdSchema, id, 'userId')),
    create: async (input) => users.create(actor, parseInput(createUserInputSchema, input)),
    update: async (id, input) =>
      users.update(actor, parseInput(userIdSchema, id, 'userId'), parseInput(updateUserInputSchema, input)),
  }
}
