import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { targetIdSchema } from '../model/ids-schema.js'
import { createTargetInputSchema, targetQuerySchema, updateTargetInputSchema } from '../model/target.js'
import { importTargetsInputSchema } from '../model/target-import.js'
import type { TargetsApi } from '../model/targets-api.js'
import type { ClientServices } from './client-services.js'

export function targetsApi(services: Pick<ClientServices, 'targets'>, actor: Actor): TargetsApi {
  const { targets, importer } = services.targets
  return {
    list: async (query = {}) => targets.list(actor, parseInput(targetQuerySchema, query)),
    get: async (id) => targets.get(actor, parseInput(targetIdSchema, id, 'targetId')),
    create: async (input) => targets.create(actor, parseInput(createTargetInputSchema, input)),
    update: async (id, input) =>
      targets.update(
        actor,
        parseInput(targetIdSchema, id, 'targetId'),
        parseInput(updateTargetInputSchema, input),
      ),
    import: async (input) => importer.import(actor, parseInput(importTargetsInputSchema, input)),
    delete: async (id) => targets.delete(actor, parseInput(targetIdSchema, id, 'targetId')),
  }
}
