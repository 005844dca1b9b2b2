import { describe, expect, test } from 'vitest'
import { isKrownError } from '../errors/krown-error.js'
import { API_TOKEN_SCOPES, type ApiTokenScope } from '../model/api-token.js'
import type { UserId } from '../model/ids.js'
import { AUDIT_SCOPES, ROLES } from '../model/user.js'
import { requirePermission, requireRow, type Subject } from './decide.js'
import { type Permission, permissionTable } from './permission-table.js'

const PERMISSIONS = Object.keys(permissionTable) as Permission[]
const me = 'me' as UserId
const mine = { userId: me }
const foreign = { userId: 'somebody' as UserId }

const everybody: Subject[] = ROLES.flatMap((role) =>
  AUDIT_SCOPES.map((auditScope) => ({ userId: me, role, auditScope })),
)

/** What comes of it: the reach, the row, or the code of the refusal. */
function outcomeOf(decide: () => unknown): unknown {
  try {
    return decide()
  } catch (error) {
    return isKrownError(error) ? error.code : error
  }
}

const reach = (subject: Subject, permission: Permission) =>
  outcomeOf(() => requirePermission(subject, permission))

describe('A30: an API token', () => {
  test('with every scope may what its owner may, but for what needs a login', () => {
    const needsLogin = ['self:manage', 'token:manage']
    for (const owner of everybody) {
      const token = { ...owner, scopes: API_TOKEN_SCOPES }
      for (const permission of PERMISSIONS) {
        const expected = needsLogin.includes(permission) ? 'FORBIDDEN' : reach(owner, permission)
        expect([permission, reach(token, permission)]).toEqual([permission, expected])
      }
    }
  })

  test('with one scope may that and say who it is, and never more than its owner', () => {
    for (const owner of everybody) {
      for (const scope of API_TOKEN_SCOPES) {
        const token = { ...owner, scopes: [scope] }
        const allowed = PERMISSIONS.filter((permission) => reach(token, permission) !== 'FORBIDDEN')
        const expected = [scope, 'self:read' as const].filter((one) => reach(owner, one) !== 'FORBIDDEN')
        expect(allowed.sort()).toEqual(expected.sort())
        for (const permission of allowed) expect(reach(token, permission)).toBe(reach(owner, permission))
      }
    }
  })

  test('is told that it is the token, and not the role, that lacks the right', () => {
    const admin = { userId: me, role: 'admin', auditScope: 'own', scopes: ['session:read'] } as const
    expect(() => requirePermission(admin, 'session:open')).toThrow(
      'this API token does not allow session:open',
    )
    const readonly = { ...admin, role: 'readonly', scopes: ['session:open'] } as const
    expect(() => requirePermission(readonly, 'session:open')).toThrow('your role does not allow session:open')
  })

  test('uses a row that it has the scope to use, whether or not it may read it', () => {
    const rights = { wanted: 'session:close', visible: 'session:read', noun: 'session' } as const
    const decide = (scopes: ApiTokenScope[], row: { userId: UserId } | undefined) =>
      outcomeOf(() => requireRow({ userId: me, role: 'operator', auditScope: 'own', scopes }, rights, row))
    expect(decide(['session:close'], mine)).toBe(mine)
    expect(decide(['session:close'], foreign)).toBe('NOT_FOUND')
    expect(decide(['session:read'], mine)).toBe('FORBIDDEN')
    expect(decide(['session:read'], foreign)).toBe('NOT_FOUND')
    expect(decide(['command:read'], mine)).toBe('NOT_FOUND')
    expect(decide(['session:close'], undefined)).toBe('NOT_FOUND')
  })
})
