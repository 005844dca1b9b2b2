import { z } from 'zod'
import type { ApiTokenId, JournalEntryId, OrgId, UserId } from './ids.js'
import { apiTokenIdSchema, journalEntryIdSchema, orgIdSchema, userIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { bodyText, nameText } from './text.js'

export const JOURNAL_OUTCOMES = ['success', 'denied', 'failure'] as const
/** `denied`: a rule said no. `failure`: it was tried and did not work. */
export type JournalOutcome = (typeof JOURNAL_OUTCOMES)[number]

/** One link of an organization's hash chain; `docs/journal-format.md` says how it is hashed. */
export interface JournalEntry {
  id: JournalEntryId
  orgId: OrgId
  /** 1, 2, 3, … without a gap in each organization. */
  seq: number
  /** ISO 8601 in UTC; clocks jump, only `seq` says what came first. */
  at: string
  /** What was done, such as `session.opened` or `command.started`. */
  action: string
  outcome: JournalOutcome
  /** `login`, `api_token`, `external` or `system`. */
  actorKind: string
  /** Who did it; the system is a user, too. Null where there was nobody. */
  actorUserId: UserId | null
  /** The API token that the actor came with; null when there was none. */
  actorTokenId: ApiTokenId | null
  /** What it was done to, such as `session`; null, like `resourceId`, when there is no such thing. */
  resourceKind: string | null
  resourceId: string | null
  /** Facts without personal details. */
  facts: Record<string, unknown>
  /** Personal details (names, addresses, command text); null once erased. */
  details: Record<string, unknown> | null
  /** SHA-256 of this link, hexadecimal. */
  hash: string
  /** `hash` of the entry before; 64 zeros in the first. */
  prevHash: string
}

export const journalEntrySchema = z
  .object({
    id: journalEntryIdSchema,
    orgId: orgIdSchema,
    seq: z.number().int(),
    at: z.string(),
    action: z.string(),
    outcome: z.enum(JOURNAL_OUTCOMES),
    actorKind: z.string(),
    actorUserId: userIdSchema.nullable(),
    actorTokenId: apiTokenIdSchema.nullable(),
    resourceKind: z.string().nullable(),
    resourceId: z.string().nullable(),
    facts: z.record(z.string(), z.unknown()),
    details: z.record(z.string(), z.unknown()).nullable(),
    hash: z.string(),
    prevHash: z.string(),
  })
  .meta({ id: 'JournalEntry' }) satisfies z.ZodType<JournalEntry>

/** Filters of `journal.list`, all of which must hold; default: the organization's whole journal. */
export interface JournalQuery extends PageQuery {
  /** The whole name, such as `command.started`. */
  action?: string | undefined
  /** Who did it. */
  actorUserId?: UserId | undefined
  /** Id of what it was done to: a session, a command, a user, … */
  resourceId?: string | undefined
  outcome?: JournalOutcome | undefined
  /** Part of the action or of the details, any case, 1 to 256 characters. */
  search?: string | undefined
}

export const journalQuerySchema = z.strictObject({
  action: nameText(64).optional(),
  actorUserId: userIdSchema.optional(),
  resourceId: nameText(64).optional(),
  outcome: z.enum(JOURNAL_OUTCOMES).optional(),
  search: bodyText.min(1).max(256).optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<JournalQuery>

/** The tail of the journal. */
export interface JournalFollowQuery {
  /** Go on after this `seq`; 0 begins with the first entry. Default: from now on. */
  after?: number | undefined
}

/** What `journal.follow` takes. */
export interface JournalFollowOptions extends JournalFollowQuery {
  /** Ends the reading: it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export const journalFollowQueryShape = { after: z.number().int().min(0).optional() }

export const journalFollowQuerySchema = z.strictObject(
  journalFollowQueryShape,
) satisfies z.ZodType<JournalFollowQuery>

export const journalPageSchema = pageOf(journalEntrySchema) satisfies z.ZodType<Page<JournalEntry>>

export const CHAIN_BREAKS = ['hash', 'gap', 'link', 'details', 'columns', 'head'] as const
/**
 * `hash`: an entry does not have the hash it claims. `gap`: a number is missing. `link`: it does not follow the
 * entry before. `details`: they differ from their digest. `columns`: what is searched by differs from what was
 * hashed. `head`: the newest entries are missing or the head points elsewhere.
 */
export type ChainBreak = (typeof CHAIN_BREAKS)[number]

/** What checking an organization's chain found. */
export interface ChainVerification {
  orgId: OrgId
  /** There is no break. */
  ok: boolean
  /** Entries that were read, up to the first break. */
  entries: number
  /** Entries whose personal details were erased; they verify all the same. */
  erased: number
  /** Number of the newest entry; note it with `headHash` elsewhere, to prove later that nothing was cut off. */
  headSeq: number
  /** Hash of the newest entry, 64 hexadecimal digits. */
  headHash: string
  /** The entry at fault; what comes after it proves nothing. Null when the chain is whole. */
  firstBreak: { seq: number; kind: ChainBreak } | null
}

export const chainVerificationSchema = z
  .object({
    orgId: orgIdSchema,
    ok: z.boolean(),
    entries: z.number().int(),
    erased: z.number().int(),
    headSeq: z.number().int(),
    headHash: z.string(),
    firstBreak: z.object({ seq: z.number().int(), kind: z.enum(CHAIN_BREAKS) }).nullable(),
  })
  .meta({ id: 'ChainVerification' }) satisfies z.ZodType<ChainVerification>
