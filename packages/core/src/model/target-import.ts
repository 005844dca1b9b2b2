import { z } from 'zod'
import type { CredentialId, TargetId } from './ids.js'
import { credentialIdSchema, targetIdSchema } from './ids-schema.js'
import { hostSchema } from './session.js'
import { MAX_TAGS, remoteUsernameSchema, tagSchema, targetNameSchema } from './target.js'

/** How many targets one call of `targets.import` takes; send more in several, jump hosts before what is behind them. */
export const MAX_IMPORTED_TARGETS = 500

/** A target as another inventory has it. What is left out stays as it is; a new target has the default. */
export interface ImportTarget {
  name: string
  /** Default `name`. */
  host?: string | undefined
  /** Default 22. */
  port?: number | undefined
  /** Default that of the whole import. */
  username?: string | undefined
  /** Added to what the target has; none is taken away. */
  tags?: string[] | undefined
  /** Name of the target through which it is reached, here or in the inventory; null or by default none. */
  jump?: string | null | undefined
}

/** What `targets.import` takes. */
export interface ImportTargetsInput {
  targets: ImportTarget[]
  /** User name of new targets that have none of their own; without it they are refused. */
  username?: string | undefined
  /** For those that have no credential. */
  credentialId?: CredentialId | undefined
  /** True: changes nothing, and answers what it would do. Default false. */
  dryRun?: boolean | undefined
}

const importTargetSchema = z.strictObject({
  name: targetNameSchema,
  host: hostSchema.optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  username: remoteUsernameSchema.optional(),
  tags: z.array(tagSchema).max(MAX_TAGS).optional(),
  jump: targetNameSchema.nullable().optional(),
}) satisfies z.ZodType<ImportTarget>

export const importTargetsInputSchema = z.strictObject({
  targets: z.array(importTargetSchema).min(1).max(MAX_IMPORTED_TARGETS),
  username: remoteUsernameSchema.optional(),
  credentialId: credentialIdSchema.optional(),
  dryRun: z.boolean().optional(),
}) satisfies z.ZodType<ImportTargetsInput>

export const IMPORT_OUTCOMES = ['created', 'updated', 'unchanged', 'refused'] as const
/** What became of one target of an import. */
export type ImportOutcome = (typeof IMPORT_OUTCOMES)[number]

export interface ImportedTarget {
  name: string
  outcome: ImportOutcome
  /** Null when it is not in the inventory, or not yet. */
  targetId: TargetId | null
  /** Of an update, the fields that differ: `host`, `port`, `username`, `tags`, `jumpTargetId`, `credentialId`. */
  changed: string[]
  /** Why it was refused; else null. */
  reason: string | null
}

/** What came of an import: of each target what happened, in the order in which they were given. */
export interface TargetImport {
  dryRun: boolean
  items: ImportedTarget[]
}

export const targetImportSchema = z
  .object({
    dryRun: z.boolean(),
    items: z.array(
      z.object({
        name: z.string(),
        outcome: z.enum(IMPORT_OUTCOMES),
        targetId: targetIdSchema.nullable(),
        changed: z.array(z.string()),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'TargetImport' }) satisfies z.ZodType<TargetImport>
