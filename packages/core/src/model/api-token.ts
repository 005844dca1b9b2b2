import { z } from 'zod'
import type { ApiTokenId, OrgId, UserId } from './ids.js'
import { apiTokenIdSchema, orgIdSchema, userIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { nameText } from './text.js'

/**
 * What an API token may be limited to: permissions by their names. Not among them is what needs a login, whatever
 * the token: one's own account, password and tokens.
 */
export const API_TOKEN_SCOPES = [
  'session:open',
  'session:execute',
  'session:close',
  'session:read',
  'command:control',
  'command:read',
  'channel:open',
  'channel:watch',
  'channel:write',
  'channel:close',
  'recording:read',
  'recording:manage',
  'target:read',
  'target:use',
  'target:manage',
  'credential:manage',
  'rule:read',
  'rule:manage',
  'hostkey:read',
  'hostkey:manage',
  'user:list',
  'user:read',
  'user:manage',
  'journal:read',
  'journal:verify',
] as const
/** One of `API_TOKEN_SCOPES`: the name of a permission. */
export type ApiTokenScope = (typeof API_TOKEN_SCOPES)[number]

/** How long a token lives that was made without `expiresAt`, days. */
export const DEFAULT_API_TOKEN_DAYS = 90

/**
 * A key of a user's own for programs. What it may do is what its owner may do at that moment, as far as the scopes
 * go; besides it may ask who it is. Times are ISO 8601 in UTC.
 */
export interface ApiToken {
  id: ApiTokenId
  orgId: OrgId
  /** Its owner. */
  userId: UserId
  /** What it is for, as its owner says. */
  name: string
  /** At least one. */
  scopes: ApiTokenScope[]
  createdAt: string
  /** Null when it never expires. */
  expiresAt: string | null
  /** To the minute; null when it never was used. */
  lastUsedAt: string | null
  /** Null while it was not revoked. */
  revokedAt: string | null
}

/** A token just made: the only time its text is told. */
export interface NewApiToken extends ApiToken {
  /** `krn_pat_…`, for the `Authorization: Bearer` header. */
  token: string
}

export const apiTokenScopeSchema = z.enum(API_TOKEN_SCOPES)

const apiTokenShape = {
  id: apiTokenIdSchema,
  orgId: orgIdSchema,
  userId: userIdSchema,
  name: z.string(),
  scopes: z.array(apiTokenScopeSchema),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  lastUsedAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
}

export const apiTokenSchema = z.object(apiTokenShape).meta({ id: 'ApiToken' }) satisfies z.ZodType<ApiToken>

export const newApiTokenSchema = z
  .object({ ...apiTokenShape, token: z.string() })
  .meta({ id: 'NewApiToken' }) satisfies z.ZodType<NewApiToken>

/** What `tokens.create` takes. */
export interface CreateApiTokenInput {
  /** What it is for, one line of at most 100 characters; need not be unique. */
  name: string
  /** Default: all of them. */
  scopes?: ApiTokenScope[] | undefined
  /** ISO 8601 with a time zone, in the future; null: never. Default: in 90 days. */
  expiresAt?: string | null | undefined
}

export const createApiTokenInputSchema = z.strictObject({
  name: nameText(100),
  scopes: z.array(apiTokenScopeSchema).min(1).max(API_TOKEN_SCOPES.length).optional(),
  expiresAt: z.iso.datetime({ offset: true }).nullable().optional(),
}) satisfies z.ZodType<CreateApiTokenInput>

export const apiTokenQuerySchema = z.strictObject({ ...pageQueryShape }) satisfies z.ZodType<PageQuery>

export const apiTokenPageSchema = pageOf(apiTokenSchema) satisfies z.ZodType<Page<ApiToken>>
