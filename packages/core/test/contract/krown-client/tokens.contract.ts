import { expect, test } from 'vitest'
import type { ApiTokenId } from '../../../src/model/ids.js'
import { refusal, UNKNOWN_ID, type World } from './world.js'

export function tokenTests(world: () => World): void {
  test('a user makes, lists and revokes API tokens of its own', async () => {
    const { operator } = world().clients
    const { token, ...made } = await operator.tokens.create({ name: 'ci', scopes: ['session:read'] })
    expect(token).toMatch(/^krn_pat_\w{83}$/)
    expect(made).toMatchObject({
      name: 'ci',
      userId: (await operator.auth.me()).id,
      scopes: ['session:read'],
      lastUsedAt: null,
      revokedAt: null,
    })
    const forever = await operator.tokens.create({ name: 'ci', expiresAt: null })
    expect(forever).toMatchObject({ expiresAt: null, scopes: expect.arrayContaining(['session:open']) })
    const first = await operator.tokens.list({ limit: 1 })
    expect(first.items.map(({ id }) => id)).toEqual([forever.id])
    const rest = await operator.tokens.list({ limit: 1, cursor: first.nextCursor ?? undefined })
    expect(rest).toEqual({ items: [made], nextCursor: null })
    const revoked = await operator.tokens.revoke(made.id)
    expect(revoked).toEqual({ ...made, revokedAt: expect.any(String) })
    expect(await operator.tokens.revoke(made.id)).toEqual(revoked)
  })

  test("another's token is not found, as one that never was", async () => {
    const { operator, admin } = world().clients
    const { id } = await operator.tokens.create({ name: 'mine' })
    const foreign = await refusal(admin.tokens.revoke(id))
    const absent = await refusal(admin.tokens.revoke(UNKNOWN_ID as ApiTokenId))
    expect(foreign).toMatchObject({ code: 'NOT_FOUND', message: absent.message })
    expect((await admin.tokens.list()).items).toEqual([])
  })

  test('what a token cannot have is refused by its field', async () => {
    const { operator } = world().clients
    const given = { name: 'x', scopes: ['token:manage'], expiresAt: '2020-01-01T00:00:00Z' }
    const { code, details } = await refusal(operator.tokens.create(given as never))
    expect([code, JSON.stringify(details)]).toEqual([
      'VALIDATION_FAILED',
      expect.stringContaining('scopes.0'),
    ])
    const past = await refusal(operator.tokens.create({ name: 'x', expiresAt: given.expiresAt }))
    expect(past.details).toEqual({ fields: [{ path: 'expiresAt', message: 'must be in the future' }] })
  })
}
