import { expect, test } from 'vitest'
import type { Subject } from '../access/decide.js'
import { newId } from '../base/ids.js'
import type { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { ApiTokenId, OrgId, TargetId, UserId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import type { OwnedSession } from '../targets/access-rules/target-access.js'
import { endLostAccess } from './job-end-lost-access.js'
import type { LiveSession } from './live-session.js'
import type { EndReason } from './session-closer.js'
import type { OpeningSession } from './session-registry.js'

const orgId = newId<OrgId>()
const mine = newId<TargetId>()
const lost = newId<TargetId>()
const dead = newId<ApiTokenId>()

const owner = (given: Partial<Actor> = {}) =>
  ({ kind: 'login', orgId, userId: newId<UserId>(), ...given }) as Actor

interface Given {
  readonly live?: readonly { readonly owner: Actor; readonly targetId: TargetId | null }[]
  readonly opening?: readonly { readonly owner: Actor; readonly targetId: TargetId }[]
  readonly disabled?: readonly UserId[]
}

/** What was ended, where nobody has access to `lost` any more but by an API token; and how often rules were asked for. */
async function endedOf({ live = [], opening = [], disabled = [] }: Given) {
  const closed: { owner: Actor; reason: EndReason }[] = []
  const givenUp: { owner: Actor; reason: KrownError }[] = []
  const asked: OrgId[] = []
  const onTarget = (targetId: TargetId | null) => targetId && { targetId, username: 'root' }
  await endLostAccess({
    registry: {
      all: () => live.map((one) => ({ ...one, onTarget: onTarget(one.targetId) }) as unknown as LiveSession),
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
        disabled.includes(userId) ? undefined : { userId, role: 'operator', auditScope: 'own' },
      isTokenLive: async (id) => id !== dead,
    },
    access: {
      lastingIn: async (of) => {
        asked.push(of)
        return ({ on, holder }: OwnedSession) =>
          on.targetId === mine || holder.subject.role === 'admin' || holder.tokenId !== undefined
      },
    },
  })
  return { closed, givenUp, asked }
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

test('what the rules of an API token allowed ends once the token is dead', async () => {
  const byDead = owner({ kind: 'api_token', tokenId: dead })
  const byLive = owner({ kind: 'api_token', tokenId: newId<ApiTokenId>() })
  const live = [byDead, byLive].map((one) => ({ owner: one, targetId: lost }))
  const ofOwner = { owner: byDead, targetId: mine }
  expect((await endedOf({ live: [...live, ofOwner] })).closed).toEqual([
    { owner: byDead, reason: 'access_ended' },
  ])
})
