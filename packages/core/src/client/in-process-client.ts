import type { Actor } from '../model/actor.js'
import type { KrownClient } from '../model/krown-client.js'
import { accessRulesApi } from './access-rules-api.js'
import { authApi } from './auth-api.js'
import { channelsApi, type InProcessChannels } from './channels-api.js'
import type { ClientServices } from './client-services.js'
import { commandsApi, type InProcessCommands } from './commands-api.js'
import { credentialsApi } from './credentials-api.js'
import { hostKeysApi } from './host-keys-api.js'
import { invitesApi } from './invites-api.js'
import { journalApi } from './journal-api.js'
import { loginsApi } from './logins-api.js'
import { recordingsApi } from './recordings-api.js'
import { sessionsApi } from './sessions-api.js'
import { systemApi } from './system-api.js'
import { targetsApi } from './targets-api.js'
import { tokensApi } from './tokens-api.js'
import { usersApi } from './users-api.js'

/** `KrownClient` in process, for programs and for doors: these may say how output goes on from here. */
export interface InProcessClient extends KrownClient {
  readonly commands: InProcessCommands
  readonly channels: InProcessChannels
}

/**
 * Checks input as the server does, then calls the use case as this actor. Whatever a caller gives is checked here, once:
 * use cases rely on it.
 */
export function createInProcessClient(services: ClientServices, actor: Actor): InProcessClient {
  return {
    auth: authApi(services, actor),
    sessions: sessionsApi(services, actor),
    commands: commandsApi(services, actor),
    channels: channelsApi(services, actor),
    recordings: recordingsApi(services, actor),
    users: usersApi(services, actor),
    logins: loginsApi(services, actor),
    tokens: tokensApi(services, actor),
    invites: invitesApi(services, actor),
    credentials: credentialsApi(services, actor),
    targets: targetsApi(services, actor),
    hostKeys: hostKeysApi(services, actor),
    accessRules: accessRulesApi(services, actor),
    journal: journalApi(services, actor),
    system: systemApi(services),
  }
}
