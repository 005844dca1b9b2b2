import { expect, test } from 'vitest'
import type { Subject } from '../access/decide.js'
import { newId } from '../base/ids.js'
import type { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { ApiTokenId, OrgId, TargetId, UserId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import type { HeldAccess } from '../targets/access-rules/target-access.js'
import { endLostAccess } from './job-end-lost-access.js'
import type { LiveSession } from './live-session.js'
import type { EndReason } from './session-closer.js'
import type { OpeningSession } from './session-registry.js'

const orgId = newId<OrgId>()
const mine = newId<TargetId>()
const lost = newId<TargetId>()
/** Where sessions may be opened, but no commands started. */
const shellsOnly = newId<TargetId>()
const dead = newId<ApiTokenId>()
const limited = [newId<ApiTokenId>()]

const owner = (given: Partial<Actor> = {}) =>
  ({ kind: 'login', orgId, userId: newId<UserId>(), ...given }) as Actor

interface Given {
  readonly live?: readonly {
    readonly owner: Actor
    readonly targetId: TargetId | null
    readonly commandsOf?: readonly Actor[]
  }[]
  readonly opening?: readonly { readonly owner: Actor; readonly targetId: TargetId }[]
  readonly disabled?: readonly UserId[]
  readonly admins?: readonly UserId[]
  readonly only?: OrgId
}

/** What was ended, where nobody has access to `lost` any more but by an API token; and how often rules were asked for. */
async function endedOf({ live = [], opening = [], disabled = [], admins = [], only }: Given) {
  const closed: { owner: Actor; reason: EndReason }[] = []
  const givenUp: { owner: Actor; reason: KrownError }[] = []
  const cancelled: { actor: Actor; reason: KrownError | undefined }[] = []
  const asked: OrgId[] = []
  const endings: Promise<unknown>[] = []
  const onTarget = (targetId: TargetId | null) => targetId && { targetId, username: 'root' }
  const commandOf = (actor: Actor) => ({
    command: { actor },
    verb: 'exec',
    terminate: async (_: unknown, reason?: KrownError) => void cancelled.push({ actor, reason }),
  })
  const deps: Parameters<typeof endLostAccess>[0] = {
    inBackground: (ending) => void endings.push(ending),
    registry: {
      all: () =>
        live.map(({ owner, targetId, commandsOf = [] }) => {
          const commands = new Map(commandsOf.map((actor, i) => [i, commandOf(actor)]))
          return { owner, onTarget: onTarget(targetId), commands } as unknown as LiveSession
        }),
      openings: () =>
        opening.map((one) => ({
          ...({} as OpeningSession),
          owner: one.owner,
          onTarget: onTarget(one.targetId),
          giveUp: (reason) => void givenUp.push({ owner: one.owner, reason }),
        })),
    },
    closer: {
      close: async (session, reason) => {
        closed.push({ owner: session.owner, reason })
        return {} as Session
      },
    },
    standings: {
      findSubject: async (_, userId): Promise<Subject | undefined> =>
        disabled.includes(userId)
          ? undefined
          : { userId, role: admins.includes(userId) ? 'admin' : 'operator', auditScope: 'own' },
      isTokenLive: async (id) => id !== dead,
    },
    access: {
      lastingIn: async (of) => {
        asked.push(of)
        return ({ on, holder: { subject, token }, verbs }: HeldAccess) => {
          if (token) return token.isLive && (on !== null || !limited.includes(token.id))
          if (on?.targetId === shellsOnly) return verbs.includes('shell')
          return on === null || on.targetId === mine || subject.role === 'admin'
        }
      },
    },
  }
  await endLostAccess(deps, only)
  await Promise.all(endings)
  return { closed, givenUp, cancelled, asked }
}

test('a session ends whose owner has no access to its target any more, and no other', async () => {
  const [one, other] = [owner(), owner()]
  const { closed } = await endedOf({
    live: [
      { owner: one, targetId: mine },
      { owner: other, targetId: lost },
    ],
  })
  expect(closed).toEqual([{ owner: other, reason: 'access_ended' }])
})

test('a session that is being opened is given up', async () => {
  const one = owner()
  const { givenUp } = await endedOf({ opening: [{ owner: one, targetId: lost }] })
  expect(givenUp).toMatchObject([{ owner: one, reason: { code: 'FORBIDDEN' } }])
})

test('of a session to an ad hoc host nothing is asked', async () => {
  const { closed, asked } = await endedOf({ live: [{ owner: owner(), targetId: null }] })
  expect([closed, asked]).toEqual([[], []])
})

test('rules are asked for once for each organization, however many sessions it has', async () => {
  const elsewhere = newId<OrgId>()
  const live = [owner(), owner(), owner({ orgId: elsewhere })].map((one) => ({ owner: one, targetId: mine }))
  expect((await endedOf({ live })).asked).toEqual([orgId, elsewhere])
})

test('the system is an admin, and a disabled user is left to the job for disabled users', async () => {
  const system = owner({ kind: 'system' })
  const gone = owner()
  const live = [system, gone].map((one) => ({ owner: one, targetId: lost }))
  expect((await endedOf({ live, disabled: [gone.userId, system.userId] })).closed).toEqual([])
})

test('what came with an API token is judged by the token, which is told whether it is dead', async () => {
  const byDead = owner({ kind: 'api_token', tokenId: dead })
  const byLive = owner({ kind: 'api_token', tokenId: newId<ApiTokenId>() })
  const live = [byDead, byLive].map((one) => ({ owner: one, targetId: lost }))
  expect((await endedOf({ live })).closed).toEqual([{ owner: byDead, reason: 'access_ended' }])
})

test('a session to an ad hoc host ends that came with an API token which rules name', async () => {
  const [byLimited, byOther] = [...limited, newId<ApiTokenId>()].map((tokenId) =>
    owner({ kind: 'api_token', tokenId }),
  )
  const live = [byLimited, byOther].flatMap((one) => (one ? [{ owner: one, targetId: null }] : []))
  expect((await endedOf({ live })).closed).toEqual([{ owner: byLimited, reason: 'access_ended' }])
})

test('in a session that stays, a command ends that could not be started any more, and says why', async () => {
  const one = owner()
  const other = owner({ kind: 'api_token', tokenId: newId<ApiTokenId>(), userId: one.userId })
  const { closed, cancelled } = await endedOf({
    live: [
      { owner: one, targetId: shellsOnly, commandsOf: [one, other] },
      { owner: one, targetId: mine, commandsOf: [one] },
    ],
  })
  expect(closed).toEqual([])
  expect(cancelled).toMatchObject([{ actor: one, reason: { code: 'FORBIDDEN' } }])
})

test('a command ends by the rights of whoever started it, also on an ad hoc host', async () => {
  const one = owner()
  const byLimited = owner({ kind: 'api_token', tokenId: limited[0], userId: one.userId })
  const { closed, cancelled } = await endedOf({
    live: [{ owner: one, targetId: null, commandsOf: [one, byLimited] }],
  })
  expect(closed).toEqual([])
  expect(cancelled).toMatchObject([{ actor: byLimited }])
})

test("a command in somebody else's session ends unless an admin started it, also on an ad hoc host", async () => {
  const [one, admin, demoted] = [owner(), owner(), owner()]
  const live = [mine, null].map((targetId) => ({ owner: one, targetId, commandsOf: [one, admin, demoted] }))
  const { closed, cancelled } = await endedOf({ live, admins: [admin.userId] })
  expect(closed).toEqual([])
  expect(cancelled).toMatchObject([
    { actor: demoted, reason: { code: 'FORBIDDEN' } },
    { actor: demoted, reason: { code: 'FORBIDDEN' } },
  ])
})

test('of one organization alone, nothing is asked or ended of others', async () => {
  const elsewhere = newId<OrgId>()
  const live = [owner(), owner({ orgId: elsewhere })].map((one) => ({ owner: one, targetId: lost }))
  const { closed, asked } = await endedOf({ live, only: elsewhere })
  expect(asked).toEqual([elsewhere])
  expect(closed).toMatchObject([{ owner: { orgId: elsewhere } }])
})

test('what takes long to end does not keep the job from its next run', async () => {
  const one = owner()
  const endings: Promise<unknown>[] = []
  await endLostAccess({
    inBackground: (ending) => void endings.push(ending),
    registry: {
      all: () => [
        {
          owner: one,
          onTarget: { targetId: lost, username: 'root' },
          commands: new Map(),
        } as unknown as LiveSession,
      ],
      openings: () => [],
    },
    closer: { close: () => new Promise(() => {}) },
    standings: {
      findSubject: async (_, userId) => ({ userId, role: 'operator', auditScope: 'own' }),
      isTokenLive: async () => true,
    },
    access: { lastingIn: async () => () => false },
  })
  expect(endings).toHaveLength(1)
})
