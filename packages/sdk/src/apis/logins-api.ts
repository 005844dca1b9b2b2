import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function loginsApi({ trpc: { logins } }: ApiParts): KrownClient['logins'] {
  return {
    list: (query = {}) => translated(logins.list.query(query)),
    end: (loginId) => translated(logins.end.mutate({ loginId })),
  }
}
