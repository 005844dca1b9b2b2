import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function journalApi({ trpc, streams }: ApiParts): KrownClient['journal'] {
  return {
    list: (query = {}) => translated(trpc.journal.list.query(query)),
    verify: () => translated(trpc.journal.verify.mutate()),
    follow: (options) => streams.follow(options),
  }
}
