import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function credentialsApi({ trpc: { credentials } }: ApiParts): KrownClient['credentials'] {
  return {
    list: (query = {}) => translated(credentials.list.query(query)),
    get: (credentialId) => translated(credentials.get.query({ credentialId })),
    create: (input) => translated(credentials.create.mutate(input)),
    update: (credentialId, change) => translated(credentials.update.mutate({ ...change, credentialId })),
    delete: (credentialId) => translated(credentials.delete.mutate({ credentialId })),
  }
}
