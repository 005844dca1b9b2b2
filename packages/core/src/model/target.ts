import { z } from 'zod'
import type { CredentialId, OrgId, TargetId } from './ids.js'
import { credentialIdSchema, orgIdSchema, targetIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { fingerprintSchema, hostSchema } from './session.js'
import { bodyText, nameText } from './text.js'

/** A machine of the inventory. Times are ISO 8601 in UTC with milliseconds. */
export interface Target {
  id: TargetId
  orgId: OrgId
  /** Lower case, unique in the organization. */
  name: string
  /** Host name or address, in its one spelling. Behind a jump host, as that host knows it. */
  host: string
  port: number
  /** User name on the target. */
  username: string
  /** Sorted, each once. */
  tags: string[]
  /** What sessions sign in with; null when whoever opens one brings a credential of their own. */
  credentialId: CredentialId | null
  /** Null also for who may not see credentials. */
  credentialName: string | null
  /** The target through which this one is reached; null when it is dialled directly. */
  jumpTargetId: TargetId | null
  /** Null also for who may not see that target. */
  jumpTargetName: string | null
  /** Also offers algorithms that are no longer safe. */
  legacyAlgorithms: boolean
  description: string | null
  /** Host keys pinned for it in the organization by its host and port (`SHA256:…`), sorted. */
  hostKeyFingerprints: string[]
  createdAt: string
  updatedAt: string
}

/** What tells a target from others, and where it is: for rules, and for programs that bring its credential. */
export interface TargetFacts {
  readonly id: TargetId
  readonly name: string
  readonly host: string
  readonly port: number
  readonly username: string
  readonly tags: readonly string[]
}

/** Upper case is accepted and folded. */
export const targetNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'must be 1 to 128 of a-z, 0-9, dot, underscore and hyphen, and begin with a letter or digit',
  )

/** A user name on a target. */
export const remoteUsernameSchema = nameText(256).refine(
  (name) => !name.startsWith('-'),
  'must not start with a hyphen',
)

/** Of one target. */
export const MAX_TAGS = 64

/** Such as `prod` or `env=prod`. Upper case is accepted and folded. */
export const tagSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._=/-]{0,63}$/,
    'must be 1 to 64 of a-z, 0-9 and . _ = / -, and begin with a letter or digit',
  )

export const targetSchema = z
  .object({
    id: targetIdSchema,
    orgId: orgIdSchema,
    name: z.string(),
    host: z.string(),
    port: z.number().int(),
    username: z.string(),
    tags: z.array(z.string()),
    credentialId: credentialIdSchema.nullable(),
    credentialName: z.string().nullable(),
    jumpTargetId: targetIdSchema.nullable(),
    jumpTargetName: z.string().nullable(),
    legacyAlgorithms: z.boolean(),
    description: z.string().nullable(),
    hostKeyFingerprints: z.array(z.string()),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Target' }) satisfies z.ZodType<Target>

/** What `targets.create` takes. */
export interface CreateTargetInput {
  name: string
  host: string
  /** Default 22. */
  port?: number | undefined
  username: string
  /** At most 64. */
  tags?: string[] | undefined
  credentialId?: CredentialId | null | undefined
  jumpTargetId?: TargetId | null | undefined
  /** Default false. */
  legacyAlgorithms?: boolean | undefined
  description?: string | null | undefined
  /** Pins this host key; the probe must then meet it. */
  hostKeyFingerprint?: string | undefined
  /** False: connects to nothing. Default true: the host key that the target shows is pinned. */
  probe?: boolean | undefined
}

/** What `targets.update` takes; what is left out stays. */
export type UpdateTargetInput = Partial<Omit<CreateTargetInput, 'hostKeyFingerprint' | 'probe'>>

const portNumber = z.number().int().min(1).max(65_535)

const targetShape = {
  name: targetNameSchema,
  host: hostSchema,
  port: portNumber.optional(),
  username: remoteUsernameSchema,
  tags: z.array(tagSchema).max(MAX_TAGS).optional(),
  credentialId: credentialIdSchema.nullable().optional(),
  jumpTargetId: targetIdSchema.nullable().optional(),
  legacyAlgorithms: z.boolean().optional(),
  description: bodyText.max(1024).nullable().optional(),
}

export const createTargetInputSchema = z.strictObject({
  ...targetShape,
  hostKeyFingerprint: fingerprintSchema.optional(),
  probe: z.boolean().optional(),
}) satisfies z.ZodType<CreateTargetInput>

export const updateTargetInputShape = z.strictObject(targetShape).partial().shape

export const updateTargetInputSchema = z.strictObject(
  updateTargetInputShape,
) satisfies z.ZodType<UpdateTargetInput>

/** Filters of `targets.list`, all of which must hold; default: every target that the caller may see. */
export interface TargetQuery extends PageQuery {
  /** A part of the name, the host or the description, in any case. */
  search?: string | undefined
  /** The whole name, in any case. */
  name?: string | undefined
  /** Which targets, as in access rules: `name:web* tag:prod and not tag:db`. */
  selector?: string | undefined
}

export const targetQuerySchema = z.strictObject({
  search: nameText(200).optional(),
  name: targetNameSchema.optional(),
  selector: nameText(1024).optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<TargetQuery>

export const targetPageSchema = pageOf(targetSchema) satisfies z.ZodType<Page<Target>>
