import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function accessRulesApi({ trpc }: ApiParts): KrownClient['accessRules'] {
  return {
    list: (query = {}) => translated(trpc.accessRules.list.query(query)),
    get: (ruleId) => translated(trpc.accessRules.get.query({ ruleId })),
    create: (input) => translated(trpc.accessRules.create.mutate(input)),
    update: (ruleId, change) => translated(trpc.accessRules.update.mutate({ ...change, ruleId })),
    delete: (ruleId) => translated(trpc.accessRules.delete.mutate({ ruleId })),
    explain: (input) => translated(trpc.accessRules.explain.mutate(input)),
  }
}
