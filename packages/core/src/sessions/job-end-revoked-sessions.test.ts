import { expect, test } from 'vitest'
import type { Subject } from '../access/decide.js'
import { newId } from '../base/ids.js'
import type { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, UserId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import { endRevokedSessions } from './job-end-revoked-sessions.js'
import type { LiveSession } from './live-session.js'
import type { EndReason } from './session-closer.js'

interface Owner {
  readonly orgId: OrgId
  readonly userId: UserId
  readonly kind?: Actor['kind']
}

/** Sessions of these owners, of whom the revoked ones are no members any more; gives back what was closed. */
async function closedOf(owners: readonly Owner[], revoked: readonly Owner[]): Promise<Owner[]> {
  return (await endedOf(owners, revoked)).closed
}

/** The same, and which commands were cancelled, of which each session has one of each of these. */
async function endedOf(owners: readonly Owner[], revoked: readonly Owner[], starters: readonly Owner[] = []) {
  const closed: Owner[] = []
  const cancelled: { starter: Owner; reason: string | undefined }[] = []
  const commandOf = (starter: Owner) => ({
    command: { userId: starter.userId, actor: { kind: 'login', ...starter } },
    terminate: async (_: unknown, reason?: KrownError) =>
      void cancelled.push({ starter, reason: reason?.code }),
  })
  const sessions = owners.map((owner) => {
    const commands = new Map(starters.map((starter, i) => [i, commandOf(starter)]))
    return { owner: { kind: 'login', ...owner }, commands } as unknown as LiveSession
  })
  const isRevoked = (orgId: OrgId, userId: UserId) =>
    revoked.some((owner) => owner.orgId === orgId && owner.userId === userId)
  await endRevokedSessions({
    inBackground: () => {},
    registry: { all: () => sessions, openings: () => [] },
    closer: {
      close: async ({ owner }: LiveSession, reason: EndReason) => {
        expect(reason).toBe('user_disabled')
        closed.push(owner)
        return {} as Session
      },
    },
    standings: {
      findSubject: async (orgId, userId): Promise<Subject | undefined> =>
        isRevoked(orgId, userId) ? undefined : { userId, role: 'operator', auditScope: 'own' },
    },
  })
  return { closed, cancelled }
}

test("every session of a user who was disabled ends, and nobody else's", async () => {
  const orgId = newId<OrgId>()
  const gone = { orgId, userId: newId<UserId>() }
  const other = { orgId, userId: newId<UserId>() }
  expect(await closedOf([gone, other, gone], [gone])).toMatchObject([gone, gone])
})

test("the commands of a user who was disabled end in other people's sessions", async () => {
  const orgId = newId<OrgId>()
  const [owner, gone] = [
    { orgId, userId: newId<UserId>() },
    { orgId, userId: newId<UserId>() },
  ]
  const { closed, cancelled } = await endedOf([owner], [gone], [owner, gone])
  expect(closed).toEqual([])
  expect(cancelled).toEqual([{ starter: gone, reason: 'FORBIDDEN' }])
})

test('a user who is disabled in one organization keeps the sessions of another', async () => {
  const userId = newId<UserId>()
  const gone = { orgId: newId<OrgId>(), userId }
  const member = { orgId: newId<OrgId>(), userId }
  expect(await closedOf([gone, member], [gone])).toMatchObject([gone])
})

test('the system is never revoked', async () => {
  const system = { orgId: newId<OrgId>(), userId: newId<UserId>(), kind: 'system' as const }
  expect(await closedOf([system], [system])).toEqual([])
})
