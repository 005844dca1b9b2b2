import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import {
  createCredentialInputSchema,
  credentialQuerySchema,
  updateCredentialInputSchema,
} from '../model/credential.js'
import type { CredentialsApi } from '../model/credentials-api.js'
import type { CredentialId } from '../model/ids.js'
import { credentialIdSchema } from '../model/ids-schema.js'
import type { ClientServices } from './client-services.js'

export function credentialsApi(
  { credentials }: Pick<ClientServices, 'credentials'>,
  actor: Actor,
): CredentialsApi {
  const checked = (id: CredentialId) => parseInput(credentialIdSchema, id, 'credentialId')
  return {
    list: async (query = {}) => credentials.list(actor, parseInput(credentialQuerySchema, query)),
    get: async (id) => credentials.get(actor, checked(id)),
    create: async (input) => credentials.create(actor, parseInput(createCredentialInputSchema, input)),
    update: async (id, input) =>
      credentials.update(actor, checked(id), parseInput(updateCredentialInputSchema, input)),
    delete: async (id) => credentials.delete(actor, checked(id)),
  }
}
