import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { apiTokenQuerySchema, createApiTokenInputSchema } from '../model/api-token.js'
import { apiTokenIdSchema } from '../model/ids-schema.js'
import type { KrownClient } from '../model/krown-client.js'
import type { ClientServices } from './client-services.js'

export function tokensApi({ tokens }: Pick<ClientServices, 'tokens'>, actor: Actor): KrownClient['tokens'] {
  return {
    create: async (input) => tokens.create(actor, parseInput(createApiTokenInputSchema, input)),
    list: async (query = {}) => tokens.list(actor, parseInput(apiTokenQuerySchema, query)),
    revoke: async (id) => tokens.revoke(actor, parseInput(apiTokenIdSchema, id, 'tokenId')),
  }
}
