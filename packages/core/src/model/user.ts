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

/** A user as a member of one organization. */
export interface User {
  id: UserId
  orgId: OrgId
  /** Lower case, unique in the instance. */
  username: string
  email: string | null
  role: Role
  auditScope: AuditScope
  disabled: boolean
  createdAt: string
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

export interface RegisterInput {
  username: string
  password: string
  email?: string | undefined
  /** Proves the right to become the first admin; the server prints where to find it. */
  setupToken?: string | undefined
}

export const registerInputSchema = z.strictObject({
  username: usernameSchema,
  password: newPasswordSchema,
  email: emailSchema.optional(),
  setupToken: z.string().min(1).max(256).optional(),
}) satisfies z.ZodType<RegisterInput>

export interface CreateUserInput {
  username: string
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

export interface UpdateUserInput {
  role?: Role | undefined
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

export interface UserQuery extends PageQuery {
  role?: Role | undefined
}

export const userQuerySchema = z.strictObject({
  role: roleSchema.optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<UserQuery>

export const userPageSchema = pageOf(userSchema) satisfies z.ZodType<Page<User>>
