import { hash, randomUUID } from 'node:crypto'
import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import type { Actor } from '../model/actor.js'
import type { JournalEntryId, OrgId } from '../model/ids.js'
import type { JournalOutcome } from '../model/journal.js'
import { canonicalJson, type JsonObject } from './canonical-json.js'

/** An entry before it has its place in the chain. */
export interface JournalDraft {
  /** Past tense, dotted: `session.opened`. */
  readonly action: string
  readonly outcome: JournalOutcome
  readonly actor: Pick<Actor, 'kind' | 'userId' | 'username' | 'clientIp' | 'requestId'> & {
    loginId?: string
    tokenId?: string
  }
  readonly resource?: { readonly kind: string; readonly id: string }
  /** Without personal details: these can never be erased. */
  readonly facts?: JsonObject
  /** Names, addresses, command text: may be erased later, leaving a valid chain. */
  readonly details?: JsonObject
}

/** Where an entry stands in its chain. */
export interface Link {
  readonly seq: number
  readonly hash: string
}

/** `prev` of the first entry: 32 zero bytes. */
export const GENESIS: Link = { seq: 0, hash: '0'.repeat(64) }

const PREFIX = 'krown-journal-v1\0'

const SEQ_BYTES = 8

/** An entry whose text is final and which has no place in the chain yet. */
export type WrittenEntry = Omit<JournalEntriesTable, 'org_id' | 'seq' | 'prev_hash' | 'hash'>

/** @throws Error when the draft is not JSON, such as a number that is not finite. */
export function writeEntry(draft: JournalDraft, as: { id: JournalEntryId; at: number }): WrittenEntry {
  const salt = randomUUID()
  const details = canonicalJson(personalDetails(draft))
  return {
    id: as.id,
    at: as.at,
    action: draft.action,
    outcome: draft.outcome,
    actor_user_id: draft.actor.userId,
    resource_id: draft.resource?.id ?? null,
    text: canonicalJson(entryText(draft, as, digestDetails(salt, details))),
    details,
    salt,
  }
}

/** Gives an entry its place after `prev`, and its hash. */
export function linkEntry(
  entry: WrittenEntry,
  { orgId, prev }: { orgId: OrgId; prev: Link },
): JournalEntriesTable {
  const seq = prev.seq + 1
  const hash = hashLink({ orgId, seq, prevHash: prev.hash, text: entry.text })
  // The copy last: V8 makes it in one step then, and otherwise adds the others to it one by one.
  return { org_id: orgId, seq, prev_hash: prev.hash, hash, ...entry }
}

/** What is hashed, its members in canonical order. */
function entryText(
  draft: JournalDraft,
  place: { id: string; at: number },
  detailsDigest: string,
): JsonObject {
  const { kind, userId, loginId, tokenId, requestId } = draft.actor
  return {
    action: draft.action,
    actor: { kind, loginId: loginId || undefined, tokenId: tokenId || undefined, userId },
    at: new Date(place.at).toISOString(),
    detailsDigest,
    facts: draft.facts ?? {},
    id: place.id,
    outcome: draft.outcome,
    requestId: requestId || undefined,
    resource: draft.resource && { id: draft.resource.id, kind: draft.resource.kind },
    v: 1,
  }
}

/** The actor's name unless the details name somebody else, such as who could not sign in. */
function personalDetails({ actor, details }: JournalDraft): JsonObject {
  return {
    clientIp: actor.clientIp || undefined,
    ...details,
    username: details?.username ?? actor.username,
  }
}

/** SHA-256 over salt and details, both as the text that is stored. */
export function digestDetails(salt: string, details: string): string {
  return hash('sha256', salt + details, 'hex')
}

/** `SHA-256("krown-journal-v1\0" ‖ orgId ‖ seq ‖ prev ‖ SHA-256(text))`, see `docs/journal-format.md`. */
export function hashLink(link: { orgId: string; seq: number; prevHash: string; text: string }): string {
  // In one piece: put together from parts it takes twice as long, twice for each command.
  const name = PREFIX + link.orgId
  const hashes = link.prevHash + hash('sha256', link.text, 'hex')
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(name, 'utf8') + SEQ_BYTES + hashes.length / 2)
  const seqAt = bytes.write(name, 'utf8')
  const hashesAt = bytes.writeBigUInt64BE(BigInt(link.seq), seqAt)
  const end = hashesAt + bytes.write(hashes, hashesAt, 'hex')
  return hash('sha256', bytes.subarray(0, end), 'hex')
}
