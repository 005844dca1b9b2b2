import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { loginIdSchema } from '../model/ids-schema.js'
import type { KrownClient } from '../model/krown-client.js'
import { loginQuerySchema } from '../model/login.js'
import type { ClientServices } from './client-services.js'

export function loginsApi({ logins }: Pick<ClientServices, 'logins'>, actor: Actor): KrownClient['logins'] {
  return {
    list: async (query = {}) => logins.list(actor, parseInput(loginQuerySchema, query)),
    end: async (id) => logins.end(actor, parseInput(loginIdSchema, id, 'loginId')),
  }
}
