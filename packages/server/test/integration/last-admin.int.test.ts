import { describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { startGateway } from '../support/gateway.js'

describe('B12: the last administrator', () => {
  test('is neither demoted nor disabled, by no door', async () => {
    await using gateway = await startGateway()
    const { token, user } = await gateway.admin()
    await gateway.person('operator')
    for (const change of [{ role: 'operator' }, { role: 'readonly' }, { disabled: true }]) {
      const rest = await call(gateway.url, `PATCH /api/users/${user.id}`, { token, body: change })
      expect([rest.status, rest.body.code]).toEqual([409, 'CONFLICT'])
      const body = { userId: user.id, ...change }
      const trpc = await call(gateway.url, 'POST /trpc/users.update', { token, body })
      expect([trpc.status, JSON.stringify(trpc.body)]).toEqual([409, expect.stringContaining('"CONFLICT"')])
    }
    const { body } = await call(gateway.url, 'GET /api/auth/me', { token })
    expect(body).toMatchObject({ role: 'admin', disabled: false })
  })
})
