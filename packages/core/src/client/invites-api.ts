import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { inviteIdSchema } from '../model/ids-schema.js'
import { createInviteInputSchema, inviteQuerySchema } from '../model/invite.js'
import type { InvitesApi } from '../model/invites-api.js'
import type { ClientServices } from './client-services.js'

export function invitesApi({ invites }: Pick<ClientServices, 'invites'>, actor: Actor): InvitesApi {
  return {
    create: async (input = {}) => invites.create(actor, parseInput(createInviteInputSchema, input)),
    list: async (query = {}) => invites.list(actor, parseInput(inviteQuerySchema, query)),
    revoke: async (id) => invites.revoke(actor, parseInput(inviteIdSchema, id, 'inviteId')),
  }
}
