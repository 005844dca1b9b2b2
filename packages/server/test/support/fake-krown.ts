import { type Krown, type KrownClient, KrownError, type LoginActor } from '@krown/core'
import { examples } from '../../scripts/openapi-examples.js'

export const TOKEN = 'a-token'

type ClientPart = { [Part in keyof KrownClient]?: Partial<KrownClient[Part]> }

export interface FakeParts {
  client?: ClientPart
  auth?: Partial<Krown['auth']>
  draining?: boolean
  ready?: () => Promise<void>
  countRequest?: Krown['countRequest']
  requireForOrganization?: Krown['requireForOrganization']
}

export const actor = {
  kind: 'login',
  userId: 'u-1',
  username: 'ada',
  clientIp: null,
  expiresAt: Date.UTC(2100, 0),
} as unknown as LoginActor

/** Stands in for core where only what the transport does is looked at. What a test does not give is refused. */
export function fakeKrown(parts: FakeParts = {}): Krown {
  const nothing = (): never => {
    throw new Error('not expected to be called')
  }
  return {
    auth: {
      register: nothing,
      login: nothing,
      refresh: nothing,
      authenticate: async (token: string) => {
        if (token !== TOKEN) throw new KrownError('UNAUTHENTICATED', 'not signed in')
        return actor
      },
      ...parts.auth,
    },
    actors: { external: nothing, system: async () => ({ ...actor, kind: 'system' }) as never },
    as: () => ({ ...emptyClient(), ...parts.client }) as KrownClient,
    countRequest: parts.countRequest ?? (() => {}),
    requireForOrganization: parts.requireForOrganization ?? (async () => {}),
    ready: parts.ready ?? (async () => {}),
    setupRequired: async () => false,
    draining: parts.draining ?? false,
    drain: async () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  } as unknown as Krown
}

function emptyClient() {
  return { system: { info: async () => examples['system.info'].output } }
}
