import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function hostKeysApi({ trpc: { hostKeys } }: ApiParts): KrownClient['hostKeys'] {
  return {
    list: (query = {}) => translated(hostKeys.list.query(query)),
    get: (hostKeyId) => translated(hostKeys.get.query({ hostKeyId })),
    create: (input) => translated(hostKeys.create.mutate(input)),
    update: (hostKeyId, change) => translated(hostKeys.update.mutate({ ...change, hostKeyId })),
    delete: (hostKeyId) => translated(hostKeys.delete.mutate({ hostKeyId })),
    probe: (input) => translated(hostKeys.probe.mutate(input)),
    import: (input) => translated(hostKeys.import.mutate(input)),
    retrust: (input) => translated(hostKeys.retrust.mutate(input)),
  }
}
