import type { Role } from '../model/user.js'

/** Whose rows a right covers: nobody's, the caller's own, or everybody's in the organization. */
export type Reach = 'none' | 'own' | 'org'

type Row = Readonly<Record<Role, Reach>> & {
  /** Reach of a user with audit scope `org`, where that is more than the role gives. */
  readonly auditor?: Reach
}

/** Who may do what: the whole of it. Every door asks this table through `decide`, and nothing else. */
export const permissionTable = {
  'session:open': { admin: 'org', operator: 'own', readonly: 'none' },
  'session:execute': { admin: 'org', operator: 'own', readonly: 'none' },
  'session:close': { admin: 'org', operator: 'own', readonly: 'none' },
  'session:read': { admin: 'org', operator: 'own', readonly: 'own', auditor: 'org' },
  'command:control': { admin: 'org', operator: 'own', readonly: 'none' },
  'command:read': { admin: 'org', operator: 'own', readonly: 'own', auditor: 'org' },
  'channel:open': { admin: 'org', operator: 'own', readonly: 'none' },
  'channel:watch': { admin: 'org', operator: 'own', readonly: 'own', auditor: 'org' },
  'channel:write': { admin: 'org', operator: 'own', readonly: 'none' },
  'channel:close': { admin: 'org', operator: 'own', readonly: 'none' },
  'recording:read': { admin: 'org', operator: 'own', readonly: 'own', auditor: 'org' },
  'recording:manage': { admin: 'org', operator: 'none', readonly: 'none' },
  'user:list': { admin: 'org', operator: 'none', readonly: 'none', auditor: 'org' },
  'user:read': { admin: 'org', operator: 'own', readonly: 'own', auditor: 'org' },
  'user:manage': { admin: 'org', operator: 'none', readonly: 'none' },
  'journal:read': { admin: 'org', operator: 'none', readonly: 'none', auditor: 'org' },
  'journal:verify': { admin: 'org', operator: 'none', readonly: 'none', auditor: 'org' },
  // Of targets, `own` is where an access rule allows it.
  'target:read': { admin: 'org', operator: 'own', readonly: 'none', auditor: 'org' },
  'target:use': { admin: 'org', operator: 'own', readonly: 'none' },
  'target:manage': { admin: 'org', operator: 'none', readonly: 'none' },
  'credential:manage': { admin: 'org', operator: 'none', readonly: 'none' },
  'rule:read': { admin: 'org', operator: 'none', readonly: 'none', auditor: 'org' },
  'rule:manage': { admin: 'org', operator: 'none', readonly: 'none' },
  // Of host keys, `own` are those that were pinned for the caller alone.
  'hostkey:read': { admin: 'org', operator: 'own', readonly: 'none', auditor: 'org' },
  'hostkey:manage': { admin: 'org', operator: 'own', readonly: 'none' },
  'self:read': { admin: 'own', operator: 'own', readonly: 'own' },
  'self:manage': { admin: 'own', operator: 'own', readonly: 'own' },
  'token:manage': { admin: 'own', operator: 'own', readonly: 'own' },
} as const satisfies Record<string, Row>

export type Permission = keyof typeof permissionTable

/**
 * With these for the whole organization, whoever holds an API token could get around the access rules that limit it: by a
 * new rule, as a new user, by a target that is another machine from now on, or by the key of a host.
 */
export const GOES_AROUND_RULES: ReadonlySet<Permission> = new Set<Permission>([
  'rule:manage',
  'user:manage',
  'target:manage',
  'credential:manage',
  'hostkey:manage',
])
