import { parseInput } from '../base/parse-input.js'
import {
  accessRuleQuerySchema,
  createAccessRuleInputSchema,
  explainAccessInputSchema,
  updateAccessRuleInputSchema,
} from '../model/access-rule.js'
import type { AccessRulesApi } from '../model/access-rules-api.js'
import type { Actor } from '../model/actor.js'
import type { AccessRuleId } from '../model/ids.js'
import { accessRuleIdSchema } from '../model/ids-schema.js'
import type { ClientServices } from './client-services.js'

export function accessRulesApi({ access }: Pick<ClientServices, 'access'>, actor: Actor): AccessRulesApi {
  const { rules, explainer } = access
  const checked = (id: AccessRuleId) => parseInput(accessRuleIdSchema, id, 'ruleId')
  return {
    list: async (query = {}) => rules.list(actor, parseInput(accessRuleQuerySchema, query)),
    get: async (id) => rules.get(actor, checked(id)),
    create: async (input) => rules.create(actor, parseInput(createAccessRuleInputSchema, input)),
    update: async (id, input) =>
      rules.update(actor, checked(id), parseInput(updateAccessRuleInputSchema, input)),
    delete: async (id) => rules.delete(actor, checked(id)),
    explain: async (input) => explainer.explain(actor, parseInput(explainAccessInputSchema, input)),
  }
}
