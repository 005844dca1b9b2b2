import { z } from 'zod'
import type { OrgId, UserId } from './ids.js'
import { orgIdSchema, userIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { nameText, wellFormedText } from './text.js'

export const ROLES = ['admin', 'operator', 'readonly'] as const
/** What a user may do in an organization; see the permission table in `access`. */
export type Role = (typeof ROLES)[number]

export const AUDIT_SCOPES = ['own', 'org'] as const
/** Whose sessions, commands and journal a user may read, whatever the role allows besides. */
export type AuditScope = (typeof AUDIT_SCOPES)[number]

/** A user as a member of one organization. Times are ISO 8601 in UTC with milliseconds. */
export interface User {
  id: UserId
  orgId: OrgId
  /** Lower case, unique in the instance. */
  username: string
  /** Null when none was given; not unique. */
  email: string | null
  role: Role
  auditScope: AuditScope
  /** Cannot sign in; its sessions were closed. */
  disabled: boolean
  createdAt: string
  /** Null before the first sign-in. */
  lastLoginAt: string | null
}

export const roleSchema = z.enum(ROLES)
export const auditScopeSchema = z.enum(AUDIT_SCOPES)

export const userSchema = z
  .object({
    id: userIdSchema,
    orgId: orgIdSchema,
    username: z.string(),
    email: z.string().nullable(),
    role: roleSchema,
    auditScope: auditScopeSchema,
    disabled: z.boolean(),
    createdAt: z.string(),
    lastLoginAt: z.string().nullable(),
  })
  .meta({ id: 'User' }) satisfies z.ZodType<User>

/** Upper case is accepted and folded. */
export const usernameSchema = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9, dot, underscore and hyphen')

/** Bounded here only against abuse; the password policy of `auth` says what is good enough. */
export const newPasswordSchema = wellFormedText.max(1024)

export const emailSchema = nameText(254).regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address')

/** What registering takes. */
export interface RegisterInput {
  /** 1 to 64 of a-z, 0-9, dot, underscore and hyphen; upper case is folded. */
  username: string
  /** 12 to 256 characters unless configured otherwise; see `docs/guide/users-and-roles.md`. */
  password: string
  email?: string | undefined
  /** Proves the right to become the first admin; the server prints where to find it. */
  setupToken?: string | undefined
  /** An invite, which says what the user becomes; needed where `auth.registration` is `invite`. */
  inviteToken?: string | undefined
}

export const registerInputSchema = z.strictObject({
  username: usernameSchema,
  password: newPasswordSchema,
  email: emailSchema.optional(),
  setupToken: z.string().min(1).max(256).optional(),
  inviteToken: z.string().min(1).max(256).optional(),
}) satisfies z.ZodType<RegisterInput>

/** What `users.create` takes. */
export interface CreateUserInput {
  /** As in `RegisterInput`. */
  username: string
  /** As in `RegisterInput`. */
  password: string
  email?: string | undefined
  /** Default `readonly`. */
  role?: Role | undefined
}

export const createUserInputSchema = z.strictObject({
  username: usernameSchema,
  password: newPasswordSchema,
  email: emailSchema.optional(),
  role: roleSchema.optional(),
}) satisfies z.ZodType<CreateUserInput>

/** What `users.update` takes: what is left out stays as it is. */
export interface UpdateUserInput {
  role?: Role | undefined
  /** True ends its logins and closes its sessions; false lets it sign in again. */
  disabled?: boolean | undefined
  /** Only an instance admin may set it. */
  auditScope?: AuditScope | undefined
}

export const updateUserShape = {
  role: roleSchema.optional(),
  disabled: z.boolean().optional(),
  auditScope: auditScopeSchema.optional(),
}

export const updateUserInputSchema = z.strictObject(updateUserShape) satisfies z.ZodType<UpdateUserInput>

/** Filters of `users.list`; default: everybody in the organization. */
export interface UserQuery extends PageQuery {
  /** The whole name; upper case is folded for those who sign in here. Of those who come from elsewhere several may have it. */
  username?: string | undefined
  role?: Role | undefined
}

export const userQuerySchema = z.strictObject({
  username: nameText(256).optional(),
  role: roleSchema.optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<UserQuery>

export const userPageSchema = pageOf(userSchema) satisfies z.ZodType<Page<User>>
