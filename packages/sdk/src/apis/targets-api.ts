import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function targetsApi({ trpc: { targets } }: ApiParts): KrownClient['targets'] {
  return {
    list: (query = {}) => translated(targets.list.query(query)),
    get: (targetId) => translated(targets.get.query({ targetId })),
    create: (input) => translated(targets.create.mutate(input)),
    update: (targetId, change) => translated(targets.update.mutate({ ...change, targetId })),
    import: (input) => translated(targets.import.mutate(input)),
    delete: (targetId) => translated(targets.delete.mutate({ targetId })),
  }
}
