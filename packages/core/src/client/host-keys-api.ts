import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import {
  hostKeyQuerySchema,
  importHostKeysInputSchema,
  pinHostKeyInputSchema,
  probeHostKeyInputSchema,
  retrustInputSchema,
  updateHostKeyInputSchema,
} from '../model/host-key.js'
import type { HostKeysApi } from '../model/host-keys-api.js'
import type { HostKeyId } from '../model/ids.js'
import { hostKeyIdSchema } from '../model/ids-schema.js'
import type { ClientServices } from './client-services.js'

export function hostKeysApi({ hostKeys }: Pick<ClientServices, 'hostKeys'>, actor: Actor): HostKeysApi {
  const { admin, probe, retrust } = hostKeys
  const checkedId = (id: HostKeyId) => parseInput(hostKeyIdSchema, id, 'hostKeyId')
  return {
    list: async (query = {}) => admin.list(actor, parseInput(hostKeyQuerySchema, query)),
    get: async (id) => admin.get(actor, checkedId(id)),
    create: async (input) => admin.create(actor, parseInput(pinHostKeyInputSchema, input)),
    update: async (id, input) =>
      admin.update(actor, checkedId(id), parseInput(updateHostKeyInputSchema, input)),
    delete: async (id) => admin.delete(actor, checkedId(id)),
    probe: async (input) => probe.probe(actor, parseInput(probeHostKeyInputSchema, input)),
    import: async (input) => hostKeys.import.import(actor, parseInput(importHostKeysInputSchema, input)),
    retrust: async (input, options) => retrust.retrust(actor, parseInput(retrustInputSchema, input), options),
  }
}
