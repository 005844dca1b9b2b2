import { expect, test } from 'vitest'
import type { Caller } from '../auth/gate/gate.js'
import { newId } from '../base/ids.js'
import type { Actor } from '../model/actor.js'
import type { OrgId, TargetId } from '../model/ids.js'
import type { TargetSessionInput } from '../model/open-session.js'
import { SessionPlanner, type SessionPlannerDeps } from './session-planner.js'

const targetId = newId<TargetId>()
const target = { id: targetId, name: 'web1', host: '192.0.2.1', port: 22, username: 'deploy', tags: [] }

/** As which user name a session was judged, and as which it would be dialled. */
async function usernamesOf(own: Partial<TargetSessionInput>) {
  let judged: string | undefined
  const deps = {
    gate: { run: (actor: Actor, _: unknown, work: (caller: Caller) => unknown) => work({ actor } as Caller) },
    snapshots: {
      current: async () => ({
        targets: { find: () => ({ ...target, credentialId: null, jumpTargetId: null }) },
      }),
    },
    access: {
      requireOpen: (_: unknown, asked: { target: unknown; username: string }) => {
        judged = asked.username
        return asked.target
      },
    },
  }
  const planner = new SessionPlanner(deps as unknown as SessionPlannerDeps)
  const actor = { orgId: newId<OrgId>() } as Actor
  const { last } = await planner.plan(actor, { targetId, ...own } as TargetSessionInput)
  return { judged, dialled: last.username }
}

test('a session is judged as the user name that is dialled', async () => {
  const auth = { method: 'password', password: 'x' } as const
  expect(await usernamesOf({})).toEqual({ judged: 'deploy', dialled: 'deploy' })
  expect(await usernamesOf({ auth, username: 'root' })).toEqual({ judged: 'root', dialled: 'root' })
  expect(await usernamesOf({ username: 'root' } as never)).toEqual({ judged: 'deploy', dialled: 'deploy' })
})
