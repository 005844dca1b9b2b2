import type { Invites } from '../auth/invites/invites.js'
import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { inviteIdSchema } from '../model/ids-schema.js'
import type { InvitesApi } from '../model/invites-api.js'

export function invitesApi(invites: Invites, actor: Actor): InvitesApi {
  return {
    create: async (input) => invites.create(actor, input),
    list: async (query) => invites.list(actor, query),
    revoke: async (id) => invites.revoke(actor, parseInput(inviteIdSchema, id, 'inviteId')),
  }
}
