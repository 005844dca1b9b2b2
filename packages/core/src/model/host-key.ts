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
  /** In its one spelling; of an import, patterns as they were in the file (`*.example.com,!db.example.com`, `|1|…`). */
  host: string
  /** 0 where `host` is a pattern, which then says the port. */
  port: number
  /** The jump host through which the host is reached; null when it is dialled directly. */
  viaTargetId: TargetId | null
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
    host: z.string(),
    port: z.number().int(),
    viaTargetId: targetIdSchema.nullable(),
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

export const pinHostKeyInputSchema = z.strictObject({
  ...placeShape,
  fingerprint: fingerprintSchema,
  algorithm: nameText(64).optional(),
  scope: z.enum(['organization', 'user']).optional(),
  replace: z.boolean().optional(),
  mark: z.enum(['trusted', 'revoked']).optional(),
  reason: nameText(500).optional(),
}) satisfies z.ZodType<PinHostKeyInput>

/** What `hostKeys.update` takes: ends the trust in a key for good, or gives it back. */
export interface UpdateHostKeyInput {
  mark: 'trusted' | 'revoked'
  reason: string
}

export const updateHostKeyInputShape = {
  mark: z.enum(['trusted', 'revoked']),
  reason: nameText(500),
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
