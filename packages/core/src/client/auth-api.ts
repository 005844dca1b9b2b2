import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import type { KrownClient } from '../model/krown-client.js'
import { changePasswordInputSchema } from '../model/login.js'
import type { ClientServices } from './client-services.js'

export function authApi({ auth }: Pick<ClientServices, 'auth'>, actor: Actor): KrownClient['auth'] {
  return {
    me: () => auth.me(actor),
    logout: () => auth.logout(actor),
    changePassword: async (input) => auth.changePassword(actor, parseInput(changePasswordInputSchema, input)),
  }
}
