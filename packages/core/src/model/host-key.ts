import { z } from 'zod'
import type { HostKeyId, OrgId, TargetId, UserId } from './ids.js'
import { hostKeyIdSchema, orgIdSchema, targetIdSchema, userIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { fingerprintSchema, hostSchema } from './session.js'
import { nameText } from './text.js'

export const HOST_KEY_SOURCES = ['first_use', 'given', 'admin', 'probe', 'import'] as const
/** How a known host key got here. */
export type HostKeySource = (typeof HOST_KEY_SOURCES)[number]

export const HOST_KEY_MARKS = ['trusted', 'revoked', 'cert_authority'] as const
/** `revoked` is refused wherever it is met. `cert_authority` is kept from an import, and not used. */
export type HostKeyMark = (typeof HOST_KEY_MARKS)[number]

/** What is known about the host key of a host. Times are ISO 8601 in UTC with milliseconds. */
export interface KnownHostKey {
  id: HostKeyId
  orgId: OrgId
  /** Whose it is: a user's own, which nobody else trusts; null for the whole organization. */
  userId: UserId | null
  /** What that user is called; null like `userId`. */
  ownerName: string | null
  /** In its one spelling; of an import, patterns as they were in the file (`*.example.com,!db.example.com`, `|1|…`). */
  host: string
  /** 0 where `host` is a pattern, which then says the port. */
  port: number
  /** The jump host through which the host is reached; null when it is dialled directly. */
  viaTargetId: TargetId | null
  /** What that jump host is called; null also when there is no such target any more. */
  viaTargetName: string | null
  /** Such as `ssh-ed25519`. */
  algorithm: string
  /** `SHA256:…`. */
  fingerprint: string
  mark: HostKeyMark
  source: HostKeySource
  /** Why it was put here or changed, as somebody said. */
  reason: string | null
  pinnedBy: UserId
  createdAt: string
}

export const hostKeySchema = z
  .object({
    id: hostKeyIdSchema,
    orgId: orgIdSchema,
    userId: userIdSchema.nullable(),
    ownerName: z.string().nullable(),
    host: z.string(),
    port: z.number().int(),
    viaTargetId: targetIdSchema.nullable(),
    viaTargetName: z.string().nullable(),
    algorithm: z.string(),
    fingerprint: z.string(),
    mark: z.enum(HOST_KEY_MARKS),
    source: z.enum(HOST_KEY_SOURCES),
    reason: z.string().nullable(),
    pinnedBy: userIdSchema,
    createdAt: z.string(),
  })
  .meta({ id: 'KnownHostKey' }) satisfies z.ZodType<KnownHostKey>

/** Which host, as its key is known: by name and port, and the jump host on the way. */
export interface HostPlace {
  host: string
  /** Default 22. */
  port?: number | undefined
  /** Default: dialled directly. */
  viaTargetId?: TargetId | undefined
}

const reasonText = nameText(500)

const placeShape = {
  host: hostSchema,
  port: z.number().int().min(1).max(65_535).optional(),
  viaTargetId: targetIdSchema.optional(),
}

/** What `hostKeys.create` takes: pins a key for the organization, or for the caller alone. */
export interface PinHostKeyInput extends HostPlace {
  fingerprint: string
  /** Such as `ssh-ed25519`; default `unknown`. */
  algorithm?: string | undefined
  /** Default `organization`. */
  scope?: 'organization' | 'user' | undefined
  /** Ends the trust in every other key of this host and scope; needs `reason`. Default false: one more key. */
  replace?: boolean | undefined
  /** Default `trusted`. */
  mark?: 'trusted' | 'revoked' | undefined
  reason?: string | undefined
}

const pinHostKeyShape = z.strictObject({
  ...placeShape,
  fingerprint: fingerprintSchema,
  algorithm: nameText(64).optional(),
  scope: z.enum(['organization', 'user']).optional(),
  replace: z.boolean().optional(),
  mark: z.enum(['trusted', 'revoked']).optional(),
  reason: reasonText.optional(),
})

export const pinHostKeyInputSchema = pinHostKeyShape.superRefine(
  ({ replace, reason, mark, scope, viaTargetId }, { addIssue }) => {
    const refuse = (field: string, message: string) => addIssue({ code: 'custom', path: [field], message })
    if (replace && reason === undefined) refuse('reason', 'is needed to replace keys')
    if (replace && mark === 'revoked') refuse('replace', 'goes with a key that is trusted')
    // What a user pins is for hosts that are not in the inventory, and those are dialled directly.
    if (scope === 'user' && viaTargetId !== undefined)
      refuse('viaTargetId', 'goes with keys of the organization')
  },
) satisfies z.ZodType<PinHostKeyInput>

/** What `hostKeys.update` takes: ends the trust in a key for good, or gives it back. */
export interface UpdateHostKeyInput {
  mark: 'trusted' | 'revoked'
  reason: string
}

export const updateHostKeyInputShape = {
  mark: z.enum(['trusted', 'revoked']),
  reason: reasonText,
}

export const updateHostKeyInputSchema = z.strictObject(
  updateHostKeyInputShape,
) satisfies z.ZodType<UpdateHostKeyInput>

/** Filters of `hostKeys.list`, all of which must hold; default: every key that the caller may see. */
export interface HostKeyQuery extends PageQuery {
  /** The whole name or address. */
  host?: string | undefined
  mark?: HostKeyMark | undefined
}

export const hostKeyQuerySchema = z.strictObject({
  host: hostSchema.optional(),
  mark: z.enum(HOST_KEY_MARKS).optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<HostKeyQuery>

export const hostKeyPageSchema = pageOf(hostKeySchema) satisfies z.ZodType<Page<KnownHostKey>>

/** What `hostKeys.probe` takes: connects as far as the host key, and sends no credential to the host itself. */
export type ProbeHostKeyInput = HostPlace

export const probeHostKeyInputSchema = z.strictObject(placeShape) satisfies z.ZodType<ProbeHostKeyInput>

/** The key that a host shows, and what is known of it. */
export interface ProbedHostKey {
  host: string
  port: number
  viaTargetId: TargetId | null
  algorithm: string
  fingerprint: string
  /** `trusted` and `revoked` as pinned; `changed` when others are pinned; else `unknown`. */
  standing: 'trusted' | 'revoked' | 'changed' | 'unknown'
}

export const probedHostKeySchema = z
  .object({
    host: z.string(),
    port: z.number().int(),
    viaTargetId: targetIdSchema.nullable(),
    algorithm: z.string(),
    fingerprint: z.string(),
    standing: z.enum(['trusted', 'revoked', 'changed', 'unknown']),
  })
  .meta({ id: 'ProbedHostKey' }) satisfies z.ZodType<ProbedHostKey>

/** Lines of one `hostKeys.import` at most. */
export const MAX_IMPORTED_LINES = 10_000

/** What `hostKeys.import` takes. */
export interface ImportHostKeysInput {
  /** A known_hosts file (sshd(8)); at most 10,000 lines, and 10,000 hosts that they name, on all ways to them. */
  text: string
  /** Kept with every key that is new. */
  reason?: string | undefined
  /** Default false; true changes nothing and answers what would be done. */
  dryRun?: boolean | undefined
}

/** Characters of a known_hosts file; what has more is imported in several calls. */
const MAX_KNOWN_HOSTS_LENGTH = 3 * 1024 * 1024

export const importHostKeysInputSchema = z.strictObject({
  text: z.string().max(MAX_KNOWN_HOSTS_LENGTH),
  reason: reasonText.optional(),
  dryRun: z.boolean().optional(),
}) satisfies z.ZodType<ImportHostKeysInput>

export const IMPORTED_LINE_OUTCOMES = [
  'pinned',
  'known',
  'revoked',
  'kept',
  'pattern',
  'conflict',
  'skipped',
] as const
/**
 * `pinned`: trusted for the hosts it names; `pattern`: for those it is a pattern of, or hides the names of; `revoked`:
 * refused from now on; `kept`: a certificate authority, which is not used; `known`: all of it was here before;
 * `conflict`: another key of this type is trusted there, which no file undoes: see `hostKeys.create` with `replace`.
 */
export type ImportedLineOutcome = (typeof IMPORTED_LINE_OUTCOMES)[number]

/** What became of one line; empty lines and comments are not among them. */
export interface ImportedHostKeyLine {
  /** Counted from 1. */
  line: number
  outcome: ImportedLineOutcome
  /** The host that the line names, or its pattern; cut at 256 characters, empty where none could be read. */
  host: string
  /** Null for a line that cannot be read, like `fingerprint`. */
  algorithm: string | null
  fingerprint: string | null
  /** Why it was skipped, or is a conflict; else null. */
  reason: string | null
}

/** What `hostKeys.import` answers. */
export interface HostKeyImport {
  dryRun: boolean
  /** Lines by outcome. */
  counts: Record<ImportedLineOutcome, number>
  lines: ImportedHostKeyLine[]
}

const importedLineSchema = z.object({
  line: z.number().int(),
  outcome: z.enum(IMPORTED_LINE_OUTCOMES),
  host: z.string(),
  algorithm: z.string().nullable(),
  fingerprint: z.string().nullable(),
  reason: z.string().nullable(),
})

export const hostKeyImportSchema = z
  .object({
    dryRun: z.boolean(),
    counts: z.object({
      pinned: z.number().int(),
      known: z.number().int(),
      revoked: z.number().int(),
      kept: z.number().int(),
      pattern: z.number().int(),
      conflict: z.number().int(),
      skipped: z.number().int(),
    }),
    lines: z.array(importedLineSchema),
  })
  .meta({ id: 'HostKeyImport' }) satisfies z.ZodType<HostKeyImport>

/** Targets of one `hostKeys.retrust` at most. */
export const MAX_RETRUSTED_TARGETS = 100

/** What `hostKeys.retrust` takes: either `selector` or `targetIds`, at most 100 targets. */
export interface RetrustInput {
  /** Which targets, as in access rules: `name:web* tag:prod and not tag:db`. */
  selector?: string | undefined
  targetIds?: TargetId[] | undefined
  /** Why their keys changed; may be left out in a dry run. */
  reason?: string | undefined
  /** Default false; true changes nothing and answers what would be done. */
  dryRun?: boolean | undefined
}

export const retrustInputSchema = z
  .strictObject({
    selector: nameText(1024).optional(),
    targetIds: z.array(targetIdSchema).min(1).max(MAX_RETRUSTED_TARGETS).optional(),
    reason: reasonText.optional(),
    dryRun: z.boolean().optional(),
  })
  .superRefine(({ selector, targetIds, reason, dryRun }, { addIssue }) => {
    const refuse = (field: string, message: string) => addIssue({ code: 'custom', path: [field], message })
    if ((selector === undefined) === (targetIds === undefined))
      refuse('selector', 'either selector or targetIds is needed')
    if (reason === undefined && !dryRun) refuse('reason', 'is needed to replace keys')
  }) satisfies z.ZodType<RetrustInput>

/** What became of one target: `pinned` when no key was trusted before. */
export interface RetrustedTarget {
  targetId: TargetId
  name: string
  host: string
  port: number
  outcome: 'unchanged' | 'replaced' | 'pinned' | 'failed'
  /** Fingerprints that were trusted before. */
  before: string[]
  /** Null when the target showed none, like `algorithm`. */
  fingerprint: string | null
  algorithm: string | null
  /** The code of the error for which it failed; else null. */
  errorCode: string | null
}

/** What `hostKeys.retrust` answers. */
export interface Retrust {
  dryRun: boolean
  targets: RetrustedTarget[]
}

export const retrustSchema = z
  .object({
    dryRun: z.boolean(),
    targets: z.array(
      z.object({
        targetId: targetIdSchema,
        name: z.string(),
        host: z.string(),
        port: z.number().int(),
        outcome: z.enum(['unchanged', 'replaced', 'pinned', 'failed']),
        before: z.array(z.string()),
        fingerprint: z.string().nullable(),
        algorithm: z.string().nullable(),
        errorCode: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'HostKeyRetrust' }) satisfies z.ZodType<Retrust>
