import { z } from 'zod'
import type { LoginId } from './ids.js'
import { loginIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { newPasswordSchema, type User, userSchema } from './user.js'

/** What signing in takes: both as they were registered, the name in any case. */
export interface LoginInput {
  username: string
  password: string
}

// Loose on purpose: a name that no user can have is answered like a wrong password.
export const loginInputSchema = z.strictObject({
  username: z.string().max(256),
  password: z.string().max(1024),
}) satisfies z.ZodType<LoginInput>

/** The answer to a login or refresh. */
export interface LoginResult {
  /** JWT for the `Authorization: Bearer` header. */
  accessToken: string
  tokenType: 'Bearer'
  /** Life of the access token, seconds. */
  expiresIn: number
  /** Opaque, for one refresh; each refresh answers with its successor. */
  refreshToken: string
  user: User
}

export const loginResultSchema = z
  .object({
    accessToken: z.string(),
    tokenType: z.literal('Bearer'),
    expiresIn: z.number().int(),
    refreshToken: z.string(),
    user: userSchema,
  })
  .meta({ id: 'LoginResult' }) satisfies z.ZodType<LoginResult>

/** What a refresh takes. */
export interface RefreshInput {
  /** Of the login, or of the last refresh. */
  refreshToken: string
}

export const refreshInputSchema = z.strictObject({
  refreshToken: z.string().min(1).max(512),
}) satisfies z.ZodType<RefreshInput>

/** What `auth.changePassword` takes. */
export interface ChangePasswordInput {
  currentPassword: string
  /** 12 to 256 characters unless configured otherwise; see `docs/guide/users-and-roles.md`. */
  newPassword: string
}

export const changePasswordInputSchema = z.strictObject({
  currentPassword: z.string().max(1024),
  newPassword: newPasswordSchema,
}) satisfies z.ZodType<ChangePasswordInput>

/** A place where the caller is signed in. Times are ISO 8601 in UTC with milliseconds. */
export interface OwnLogin {
  id: LoginId
  /** The one that this call came with. */
  current: boolean
  createdAt: string
  /** When its tokens were last renewed. */
  lastUsedAt: string
  /** It ends then at the latest. */
  expiresAt: string
  /** Where it began. */
  clientIp: string | null
  userAgent: string | null
}

export const ownLoginSchema = z
  .object({
    id: loginIdSchema,
    current: z.boolean(),
    createdAt: z.string(),
    lastUsedAt: z.string(),
    expiresAt: z.string(),
    clientIp: z.string().nullable(),
    userAgent: z.string().nullable(),
  })
  .meta({ id: 'Login' }) satisfies z.ZodType<OwnLogin>

export const loginQuerySchema = z.strictObject({ ...pageQueryShape }) satisfies z.ZodType<PageQuery>

export const loginPageSchema = pageOf(ownLoginSchema) satisfies z.ZodType<Page<OwnLogin>>
