import type { CredentialKind } from '../../model/credential.js'
import type { HostKeyMark, HostKeySource } from '../../model/host-key.js'
import type { AccessRuleId, CredentialId, HostKeyId, OrgId, TargetId, UserId } from '../../model/ids.js'

export interface TargetsTable {
  id: TargetId
  org_id: OrgId
  /** Folded to lower case. */
  name: string
  host: string
  port: number
  username: string
  /** JSON array of text, sorted. */
  tags: string
  credential_id: CredentialId | null
  jump_target_id: TargetId | null
  legacy_algorithms: 0 | 1
  description: string | null
  created_at: number
  updated_at: number
}

export interface CredentialsTable {
  id: CredentialId
  org_id: OrgId
  name: string
  kind: CredentialKind
  /** Of the public key; null for a password. */
  fingerprint: string | null
  /** The secret as the vault encrypted it, bound to this row and version. */
  secret: string
  /** The master key behind it. */
  key_id: string
  /** Raised with each new secret, so that an old one cannot be put back. */
  version: number
  created_at: number
  updated_at: number
}

export interface AccessRulesTable {
  id: AccessRuleId
  org_id: OrgId
  subject_kind: 'user' | 'api_token' | 'role'
  /** A user's id, a token's id, or a role. */
  subject_id: string
  selector: string
  /** Separated by spaces. */
  verbs: string
  /** JSON array of text; null is any. */
  remote_usernames: string | null
  expires_at: number | null
  reason: string | null
  granted_by: UserId | null
  created_at: number
}

/** Raised by every change of an organization's targets and rules: who keeps them in memory asks for it. */
export interface InventoryRevisionsTable {
  org_id: OrgId
  revision: number
}

export interface KnownHostKeysTable {
  id: HostKeyId
  org_id: OrgId
  /** The user it is pinned for; empty for a pin of the whole organization. */
  user_scope: UserId | ''
  /** `pattern`: `host` is what stands in a known_hosts file, with wildcards or hashed. */
  host_kind: 'exact' | 'pattern'
  host: string
  /** 0 for patterns. */
  port: number
  /** The jump host on the way; empty when there is none. */
  via: TargetId | ''
  algorithm: string
  fingerprint: string
  mark: HostKeyMark
  source: HostKeySource
  reason: string | null
  pinned_by: UserId
  created_at: number
}

/** Master keys that secrets of this database were encrypted with. */
export interface MasterKeysTable {
  /** First 8 hexadecimal digits of its SHA-256. */
  key_id: string
  /** 1 for the one that new secrets are encrypted with, null for the others: unique, so there is one. */
  active: 1 | null
  created_at: number
  /** Null while it is active. */
  retired_at: number | null
}
