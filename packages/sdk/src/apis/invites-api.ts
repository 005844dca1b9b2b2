import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function invitesApi({ trpc: { invites } }: ApiParts): KrownClient['invites'] {
  return {
    create: (input = {}) => translated(invites.create.mutate(input)),
    list: (query = {}) => translated(invites.list.query(query)),
    revoke: (inviteId) => translated(invites.revoke.mutate({ inviteId })),
  }
}
