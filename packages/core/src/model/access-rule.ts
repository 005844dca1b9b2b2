import { z } from 'zod'
import type { AccessRuleId, ApiTokenId, OrgId, TargetId, UserId } from './ids.js'
import {
  accessRuleIdSchema,
  apiTokenIdSchema,
  orgIdSchema,
  targetIdSchema,
  userIdSchema,
} from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { remoteUsernameSchema } from './target.js'
import { nameText } from './text.js'
import { type Role, roleSchema } from './user.js'

export const ACCESS_VERBS = ['exec', 'shell', 'transfer', 'watch'] as const
/** What a rule allows on targets: commands, shells, files, looking at the sessions of others. */
export type AccessVerb = (typeof ACCESS_VERBS)[number]

/** Whom a rule is for. */
export type AccessSubject =
  | { kind: 'user'; userId: UserId }
  /** Whoever comes with this token: it then reaches only what its own rules and its owner's rights both allow. */
  | { kind: 'api_token'; tokenId: ApiTokenId }
  | { kind: 'role'; role: Role }

/** Lets its subject do something on targets. What no rule allows is refused, but to admins. Times are ISO 8601. */
export interface AccessRule {
  id: AccessRuleId
  orgId: OrgId
  subject: AccessSubject
  /** What the user or the API token is called; null for a role. */
  subjectName: string | null
  /** Which targets: `name:web* tag:prod and not tag:db`; `*` is every target. */
  selector: string
  /** At least one. */
  verbs: AccessVerb[]
  /** User names on the targets; null is any. */
  remoteUsernames: string[] | null
  /** Null when it does not end by itself. */
  expiresAt: string | null
  reason: string | null
  /** Who made it; null for the rule that a new organization has. */
  grantedBy: UserId | null
  createdAt: string
}

/** What `accessRules.delete` answers: the rule as it was. */
export interface RevokedAccessRule extends AccessRule {
  /** It was the last rule that named its API token: from now on the token has all rights of its owner. */
  tokenUnlimited: boolean
}

export const accessVerbSchema = z.enum(ACCESS_VERBS)

export const accessSubjectSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('user'), userId: userIdSchema }),
  z.strictObject({ kind: z.literal('api_token'), tokenId: apiTokenIdSchema }),
  z.strictObject({ kind: z.literal('role'), role: roleSchema }),
]) satisfies z.ZodType<AccessSubject>

const accessRuleShape = {
  id: accessRuleIdSchema,
  orgId: orgIdSchema,
  subject: accessSubjectSchema,
  subjectName: z.string().nullable(),
  selector: z.string(),
  verbs: z.array(accessVerbSchema),
  remoteUsernames: z.array(z.string()).nullable(),
  expiresAt: z.string().nullable(),
  reason: z.string().nullable(),
  grantedBy: userIdSchema.nullable(),
  createdAt: z.string(),
}

export const accessRuleSchema = z
  .object(accessRuleShape)
  .meta({ id: 'AccessRule' }) satisfies z.ZodType<AccessRule>

export const revokedAccessRuleSchema = z
  .object({ ...accessRuleShape, tokenUnlimited: z.boolean() })
  .meta({ id: 'RevokedAccessRule' }) satisfies z.ZodType<RevokedAccessRule>

/** What `accessRules.create` takes. */
export interface CreateAccessRuleInput {
  subject: AccessSubject
  selector: string
  verbs: AccessVerb[]
  /** Default null: any. */
  remoteUsernames?: string[] | null | undefined
  /** ISO 8601 with a time zone, in the future. Default null: never. */
  expiresAt?: string | null | undefined
  /** One line. */
  reason?: string | null | undefined
}

/** What `accessRules.update` takes; what is left out stays. The subject of a rule does not change. */
export type UpdateAccessRuleInput = Partial<Omit<CreateAccessRuleInput, 'subject'>>

const ruleShape = {
  selector: nameText(1024),
  verbs: z.array(accessVerbSchema).min(1).max(ACCESS_VERBS.length),
  remoteUsernames: z.array(remoteUsernameSchema).min(1).max(64).nullable().optional(),
  expiresAt: z.iso.datetime({ offset: true }).nullable().optional(),
  reason: nameText(500).nullable().optional(),
}

export const createAccessRuleInputSchema = z.strictObject({
  subject: accessSubjectSchema,
  ...ruleShape,
}) satisfies z.ZodType<CreateAccessRuleInput>

export const updateAccessRuleInputShape = z.strictObject(ruleShape).partial().shape

export const updateAccessRuleInputSchema = z.strictObject(
  updateAccessRuleInputShape,
) satisfies z.ZodType<UpdateAccessRuleInput>

/** Filters of `accessRules.list`, all of which must hold. */
export interface AccessRuleQuery extends PageQuery {
  /** Rules whose subject is this user; not those of its role or its tokens. */
  userId?: UserId | undefined
}

export const accessRuleQuerySchema = z.strictObject({
  userId: userIdSchema.optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<AccessRuleQuery>

export const accessRulePageSchema = pageOf(accessRuleSchema) satisfies z.ZodType<Page<AccessRule>>

/** What `accessRules.explain` takes. */
export interface ExplainAccessInput {
  userId: UserId
  /** One of the user's API tokens, as if it came with that. Default: signed in. */
  tokenId?: ApiTokenId | undefined
  targetId: TargetId
  verb: AccessVerb
  /** User name on the target; default: the target's own. */
  remoteUsername?: string | undefined
}

export const explainAccessInputSchema = z.strictObject({
  userId: userIdSchema,
  tokenId: apiTokenIdSchema.optional(),
  targetId: targetIdSchema,
  verb: accessVerbSchema,
  remoteUsername: remoteUsernameSchema.optional(),
}) satisfies z.ZodType<ExplainAccessInput>

export const ACCESS_REASONS = [
  'admin',
  'rule',
  'no_rule',
  'role',
  'disabled',
  'no_token_rule',
  'token_ended',
] as const
/**
 * Why: `admin` needs no rule; `rule` allows it; `no_rule` does; the `role` never may; the user is `disabled` or no
 * member. With an API token also: the user may, but `no_token_rule` allows it, though rules name the token; or the
 * token was revoked or has expired.
 */
export type AccessReason = (typeof ACCESS_REASONS)[number]

/** Whether somebody may do something on a target now, and what decides it. */
export interface AccessDecision {
  allowed: boolean
  reason: AccessReason
  /** The rule by which the user may; null where none lets it, or none is needed. */
  rule: AccessRule | null
  /** Null unless it was asked for an API token that rules name: what those of its own say, besides the user's rights. */
  token: {
    /** The rule of the token that allows it; null when none does. */
    rule: AccessRule | null
  } | null
}

export const accessDecisionSchema = z
  .object({
    allowed: z.boolean(),
    reason: z.enum(ACCESS_REASONS),
    rule: accessRuleSchema.nullable(),
    token: z.object({ rule: accessRuleSchema.nullable() }).nullable(),
  })
  .meta({ id: 'AccessDecision' }) satisfies z.ZodType<AccessDecision>
