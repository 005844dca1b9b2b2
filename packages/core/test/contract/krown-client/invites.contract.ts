import { expect, test } from 'vitest'
import type { InviteId, LoginId } from '../../../src/model/ids.js'
import { refusal, UNKNOWN_ID, type World } from './world.js'

export function inviteTests(world: () => World): void {
  test('an admin makes, lists and revokes invites', async () => {
    const { admin, operator } = world().clients
    const { token, ...made } = await admin.invites.create({ role: 'operator', note: 'Grace' })
    expect(token).toMatch(/^krn_inv_\w{83}$/)
    expect(made).toMatchObject({ role: 'operator', note: 'Grace', usedAt: null, revokedAt: null })
    expect((await admin.invites.list()).items).toEqual([made])
    expect(await admin.invites.revoke(made.id)).toEqual({ ...made, revokedAt: expect.any(String) })
    expect(await refusal(operator.invites.create())).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusal(admin.invites.revoke(UNKNOWN_ID as InviteId))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('logins of the caller are a page, and one that never was is not found', async () => {
    const { operator } = world().clients
    expect(await operator.logins.list({ limit: 5 })).toMatchObject({ items: expect.any(Array) })
    const absent = operator.logins.end(UNKNOWN_ID as LoginId)
    expect(await refusal(absent)).toMatchObject({ code: 'NOT_FOUND' })
  })
}
