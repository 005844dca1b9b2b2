import type { ApiTokenId, InviteId, LoginId, OrgId, UserId } from '../../model/ids.js'
import type { AuditScope, Role } from '../../model/user.js'

/** One row once the first admin exists; its key can be taken only once. */
export interface InstanceTable {
  singleton: 1
  set_up_at: number
  set_up_by: UserId
}

export interface OrganizationsTable {
  id: OrgId
  slug: string
  name: string
  created_at: number
  disabled_at: number | null
}

export interface UsersTable {
  id: UserId
  /** Folded to lower case. Null for external users, who are known by issuer and subject. */
  username: string | null
  display_name: string
  email: string | null
  /** Argon2id in PHC form; null for external users. */
  password_hash: string | null
  external_issuer: string | null
  external_subject: string | null
  is_instance_admin: 0 | 1
  /** Raised to end every token of the user at once. */
  token_version: number
  created_at: number
  last_login_at: number | null
  disabled_at: number | null
}

export interface MembershipsTable {
  org_id: OrgId
  user_id: UserId
  role: Role
  audit_scope: AuditScope
  created_at: number
  disabled_at: number | null
}

/** A refresh-token family: a person signed in at one place. */
export interface LoginsTable {
  id: LoginId
  org_id: OrgId
  user_id: UserId
  /** SHA-256 of the refresh token that is good now, hexadecimal. */
  token_hash: string
  /** Of the one before, which gets the same answer again for a short while. */
  previous_token_hash: string | null
  /** Key of the HMAC that makes each successor, hexadecimal. */
  chain_key: string
  created_at: number
  rotated_at: number
  idle_expires_at: number
  expires_at: number
  revoked_at: number | null
  client_ip: string | null
  user_agent: string | null
}

export interface ApiTokensTable {
  id: ApiTokenId
  org_id: OrgId
  user_id: UserId
  name: string
  /** SHA-256 of the secret, hexadecimal. */
  secret_hash: string
  /** Names of permissions, separated by spaces. */
  scopes: string
  created_at: number
  expires_at: number | null
  last_used_at: number | null
  revoked_at: number | null
}

export interface InvitesTable {
  id: InviteId
  org_id: OrgId
  /** SHA-256 of the secret, hexadecimal. */
  secret_hash: string
  role: Role
  note: string | null
  created_by: UserId
  created_at: number
  expires_at: number
  used_at: number | null
  used_by: UserId | null
  revoked_at: number | null
}
