import { z } from 'zod'
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
