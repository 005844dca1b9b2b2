import type { KrownClient } from '@krown/core/model'
import type { AppRouter } from '@krown/server'
import { createTRPCClient, splitLink, type TRPCClient } from '@trpc/client'
import { accessRulesApi } from './apis/access-rules-api.js'
import { authApi, type SignInApi } from './apis/auth-api.js'
import { channelsApi } from './apis/channels-api.js'
import { commandsApi } from './apis/commands-api.js'
import { credentialsApi } from './apis/credentials-api.js'
import { hostKeysApi } from './apis/host-keys-api.js'
import { invitesApi } from './apis/invites-api.js'
import { journalApi } from './apis/journal-api.js'
import { loginsApi } from './apis/logins-api.js'
import { recordingsApi } from './apis/recordings-api.js'
import { sessionsApi } from './apis/sessions-api.js'
import { systemApi } from './apis/system-api.js'
import { targetsApi } from './apis/targets-api.js'
import { tokensApi } from './apis/tokens-api.js'
import { usersApi } from './apis/users-api.js'
import { translated } from './errors/to-client-error.js'
import { CommandCalls } from './http/calls.js'
import { Downloads } from './http/download.js'
import { httpLink } from './http/http-link.js'
import { type ClientSettings, type KrownClientOptions, toSettings } from './options.js'
import type { Access } from './sign-in/access.js'
import { cookieSignIn } from './sign-in/cookie-sign-in.js'
import { GivenToken } from './sign-in/given-token.js'
import { SignIn, type SignInCalls } from './sign-in/sign-in.js'
import { memoryTokenStore } from './sign-in/token-store.js'
import type { SocketPlatform } from './sockets/socket-platform.js'
import { Sockets } from './sockets/sockets.js'
import { Streams } from './streams/streams.js'

/** `KrownClient` over the network. */
export interface RemoteKrownClient extends KrownClient, AsyncDisposable {
  readonly auth: KrownClient['auth'] & SignInApi
  /**
   * The tRPC client below: every procedure as the server has it, for TanStack Query and such. Signed in like the rest,
   * but its errors are tRPC's own, with Krown's in `error.data.krown`.
   */
  readonly trpc: TRPCClient<AppRouter>
  /** Ends what still streams and the connections; sessions and commands on the server go on. */
  close(): Promise<void>
}

/** Makes the client of one platform; connects nowhere yet. */
export function createClientFor(platform: SocketPlatform, options: KrownClientOptions): RemoteKrownClient {
  const settings = toSettings(options)
  const access = createAccess(settings, options)
  const sockets = new Sockets({ settings, access, platform })
  const trpc = createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: sockets.link,
        false: httpLink(settings, access),
      }),
    ],
  })
  const calls = new CommandCalls(trpc, settings)
  const { reconnectForMs } = settings
  const streams = new Streams({ trpc, sockets, calls, reconnectForMs })
  const downloads = new Downloads(settings, access)
  const parts = { trpc, access, sockets, calls, downloads, streams, reconnectForMs }
  const close = async () => sockets.close()
  return {
    auth: authApi(parts),
    sessions: sessionsApi(parts),
    commands: commandsApi(parts),
    channels: channelsApi(parts),
    recordings: recordingsApi(parts),
    users: usersApi(parts),
    tokens: tokensApi(parts),
    logins: loginsApi(parts),
    invites: invitesApi(parts),
    targets: targetsApi(parts),
    credentials: credentialsApi(parts),
    hostKeys: hostKeysApi(parts),
    accessRules: accessRulesApi(parts),
    journal: journalApi(parts),
    system: systemApi(parts),
    trpc,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function createAccess(settings: ClientSettings, options: KrownClientOptions): Access {
  const { token, credentials, tokenStore = memoryTokenStore(), refresh } = options
  if (token !== undefined) return new GivenToken(token)
  const byCookie = refresh === 'cookie'
  return new SignIn({
    calls: byCookie ? cookieSignIn(settings) : tokenSignIn(settings),
    store: tokenStore,
    credentials,
    byCookie,
    lockName: `krown login ${settings.baseUrl}`,
  })
}

function tokenSignIn(settings: ClientSettings): SignInCalls {
  const { auth } = createTRPCClient<AppRouter>({ links: [httpLink(settings)] })
  return {
    login: ({ username, password }) => translated(auth.login.mutate({ username, password })),
    refresh: (refreshToken) => translated(auth.refresh.mutate({ refreshToken })),
  }
}
