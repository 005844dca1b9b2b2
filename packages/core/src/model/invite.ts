import { z } from 'zod'
import type { InviteId, OrgId, UserId } from './ids.js'
import { inviteIdSchema, orgIdSchema, userIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { nameText } from './text.js'
import { type Role, roleSchema } from './user.js'

/** How long an invite is good that was made without `expiresAt`, days. */
export const DEFAULT_INVITE_DAYS = 7

/** The right to register once. Times are ISO 8601 in UTC with milliseconds. */
export interface Invite {
  id: InviteId
  orgId: OrgId
  /** What whoever registers with it becomes. */
  role: Role
  /** Whom it is for, as its maker says. */
  note: string | null
  createdBy: UserId
  createdAt: string
  expiresAt: string
  /** Null while nobody registered with it. */
  usedAt: string | null
  usedBy: UserId | null
  /** Null while it was not revoked. */
  revokedAt: string | null
}

/** An invite just made: the only time its text is told. */
export interface NewInvite extends Invite {
  /** `krn_inv_…`, the `inviteToken` of a registration. */
  token: string
}

const inviteShape = {
  id: inviteIdSchema,
  orgId: orgIdSchema,
  role: roleSchema,
  note: z.string().nullable(),
  createdBy: userIdSchema,
  createdAt: z.string(),
  expiresAt: z.string(),
  usedAt: z.string().nullable(),
  usedBy: userIdSchema.nullable(),
  revokedAt: z.string().nullable(),
}

export const inviteSchema = z.object(inviteShape).meta({ id: 'Invite' }) satisfies z.ZodType<Invite>

export const newInviteSchema = z
  .object({ ...inviteShape, token: z.string() })
  .meta({ id: 'NewInvite' }) satisfies z.ZodType<NewInvite>

/** What `invites.create` takes. */
export interface CreateInviteInput {
  /** Default `readonly`. */
  role?: Role | undefined
  /** One line. */
  note?: string | undefined
  /** ISO 8601 with a time zone, in the future. Default: in 7 days. */
  expiresAt?: string | undefined
}

export const createInviteInputSchema = z.strictObject({
  role: roleSchema.optional(),
  note: nameText(200).optional(),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
}) satisfies z.ZodType<CreateInviteInput>

export const inviteQuerySchema = z.strictObject({ ...pageQueryShape }) satisfies z.ZodType<PageQuery>

export const invitePageSchema = pageOf(inviteSchema) satisfies z.ZodType<Page<Invite>>
