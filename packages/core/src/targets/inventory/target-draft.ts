import type { CredentialId, TargetId } from '../../model/ids.js'
import type { CreateTargetInput, UpdateTargetInput } from '../../model/target.js'
import { canonicalHost, DEFAULT_SSH_PORT } from '../outbound/parse-host.js'

/** What of a target is chosen by people, in the one spelling of everything. */
export interface TargetDraft {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly username: string
  readonly tags: readonly string[]
  readonly credentialId: CredentialId | null
  readonly jumpTargetId: TargetId | null
  readonly legacyAlgorithms: boolean
  readonly description: string | null
}

/** @throws KrownError VALIDATION_FAILED or TARGET_POLICY_DENIED for a host that is neither a name nor an address. */
export function draftOf(input: CreateTargetInput): TargetDraft {
  return {
    name: foldName(input.name),
    host: canonicalHost(input.host),
    port: input.port ?? DEFAULT_SSH_PORT,
    username: input.username,
    tags: foldTags(input.tags ?? []),
    credentialId: input.credentialId ?? null,
    jumpTargetId: input.jumpTargetId ?? null,
    legacyAlgorithms: input.legacyAlgorithms ?? false,
    description: input.description ?? null,
  }
}

/** What an update asks for, laid over what is there. @throws KrownError as {@link draftOf} */
export function changedDraft(before: TargetDraft, input: UpdateTargetInput): TargetDraft {
  const { name, host, port, username, tags, credentialId, jumpTargetId, legacyAlgorithms, description } =
    input
  return {
    name: name === undefined ? before.name : foldName(name),
    host: host === undefined ? before.host : canonicalHost(host),
    port: port ?? before.port,
    username: username ?? before.username,
    tags: tags === undefined ? before.tags : foldTags(tags),
    credentialId: credentialId === undefined ? before.credentialId : credentialId,
    jumpTargetId: jumpTargetId === undefined ? before.jumpTargetId : jumpTargetId,
    legacyAlgorithms: legacyAlgorithms ?? before.legacyAlgorithms,
    description: description === undefined ? before.description : description,
  }
}

const DRAFT_FIELDS = [
  'name',
  'host',
  'port',
  'username',
  'tags',
  'credentialId',
  'jumpTargetId',
  'legacyAlgorithms',
  'description',
] as const satisfies readonly (keyof TargetDraft)[]

/** The fields in which two drafts differ. */
export function changedFields(before: TargetDraft, after: TargetDraft): (keyof TargetDraft)[] {
  return DRAFT_FIELDS.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
}

/** The columns of a draft. */
export function columnsOf(draft: TargetDraft) {
  return {
    name: draft.name,
    host: draft.host,
    port: draft.port,
    username: draft.username,
    tags: JSON.stringify(draft.tags),
    credential_id: draft.credentialId,
    jump_target_id: draft.jumpTargetId,
    legacy_algorithms: draft.legacyAlgorithms ? (1 as const) : (0 as const),
    description: draft.description,
  }
}

function foldName(name: string): string {
  return name.toLowerCase()
}

function foldTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.toLowerCase()))].sort()
}
