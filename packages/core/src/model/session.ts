import { z } from 'zod'
import type { OrgId, SessionId, TargetId, UserId } from './ids.js'
import { orgIdSchema, sessionIdSchema, targetIdSchema, userIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'

export const SESSION_STATUSES = ['connecting', 'connected', 'disconnected', 'error'] as const
/** `disconnected` was connected once, `error` never was. */
export type SessionStatus = (typeof SESSION_STATUSES)[number]

export const AUTH_METHODS = ['password', 'key'] as const
/** What a session signed in to its target with. */
export type AuthMethod = (typeof AUTH_METHODS)[number]

/** One SSH connection held for one user. Times are ISO 8601 in UTC with milliseconds. */
export interface Session {
  id: SessionId
  orgId: OrgId
  /** Who opened it. */
  userId: UserId
  /** What that user is called. */
  ownerName: string
  /** The inventory entry it was opened by; null for an ad hoc host. */
  targetId: TargetId | null
  /** What that target is called; null also when there is no such target any more. */
  targetName: string | null
  /** As it was asked for, in one spelling: lower case, addresses in their usual form. */
  host: string
  port: number
  /** User name on the target. */
  username: string
  authMethod: AuthMethod
  status: SessionStatus
  /** Why it ended or never began (`closed_by_user`, `idle_timeout`, an error code in lower case, …); null until then. */
  statusReason: string | null
  /** `SHA256:…` as `ssh-keygen -l` prints it; null until the host key was checked. */
  hostKeyFingerprint: string | null
  /** This session saw the host for the first time and pinned its key for this user. */
  hostKeyNewlyPinned: boolean
  createdAt: string
  /** Null when it never was. */
  connectedAt: string | null
  /** Null when it never was connected. */
  lastActivityAt: string | null
  /** Null while it is `connecting` or `connected`. */
  endedAt: string | null
  /** Bytes sent to the target in channels. */
  bytesIn: number
  /** Bytes received from the target in channels. */
  bytesOut: number
}

export const sessionSchema = z
  .object({
    id: sessionIdSchema,
    orgId: orgIdSchema,
    userId: userIdSchema,
    ownerName: z.string(),
    targetId: targetIdSchema.nullable(),
    targetName: z.string().nullable(),
    host: z.string(),
    port: z.number().int(),
    username: z.string(),
    authMethod: z.enum(AUTH_METHODS),
    status: z.enum(SESSION_STATUSES),
    statusReason: z.string().nullable(),
    hostKeyFingerprint: z.string().nullable(),
    hostKeyNewlyPinned: z.boolean(),
    createdAt: z.string(),
    connectedAt: z.string().nullable(),
    lastActivityAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    bytesIn: z.number().int(),
    bytesOut: z.number().int(),
  })
  .meta({ id: 'Session' }) satisfies z.ZodType<Session>

/** How to authenticate on the target; used for this connection and kept nowhere. */
export type SessionAuth =
  | { method: 'password'; password: string }
  /** `privateKey` in OpenSSH or PEM form. */
  | { method: 'key'; privateKey: string; passphrase?: string | undefined }

export const passwordSchema = z.string().min(1).max(1024)

export const privateKeySchema = z
  .string()
  .min(1)
  .max(64 * 1024)

export const passphraseSchema = z.string().max(1024)

export const sessionAuthSchema = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('password'), password: passwordSchema }),
  z.strictObject({
    method: z.literal('key'),
    privateKey: privateKeySchema,
    passphrase: passphraseSchema.optional(),
  }),
]) satisfies z.ZodType<SessionAuth>

/** Shape only; `targets` decides what the host resolves to and whether it may be reached. */
export const hostSchema = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9:[][A-Za-z0-9.:%[\]_-]*$/, 'must be a host name or an IP address')

export const portSchema = z.number().int().min(0).max(65_535)

export const fingerprintSchema = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must be SHA256: and 43 characters of unpadded base64')

/** Filters of `sessions.list`, all of which must hold; default: everything that the caller may see. */
export interface SessionQuery extends PageQuery {
  status?: SessionStatus | undefined
  /** Who opened it. */
  userId?: UserId | undefined
  targetId?: TargetId | undefined
  /** The whole name or address, as the session has it. */
  host?: string | undefined
}

export const sessionQuerySchema = z.strictObject({
  status: z.enum(SESSION_STATUSES).optional(),
  userId: userIdSchema.optional(),
  targetId: targetIdSchema.optional(),
  host: hostSchema.optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<SessionQuery>

export const sessionPageSchema = pageOf(sessionSchema) satisfies z.ZodType<Page<Session>>
