import { hash } from 'node:crypto'
import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import type { HostKeyMark, KnownHostKey } from '../../model/host-key.js'
import type { HostKeyId } from '../../model/ids.js'
import type { NewPin } from './pin-writer.js'

type Described = Pick<NewPin, 'host' | 'port' | 'via' | 'userId' | 'algorithm' | 'fingerprint' | 'source'> & {
  readonly reason: string | null
}

/** Keys that an entry tells one by one, which is all of a small file; the digest speaks for the others. */
const MAX_LISTED = 32
const MAX_LISTED_LENGTH = 512

/** A key became trusted, whoever made it so. */
export function keyPinned(actor: Actor, pin: Described, id?: HostKeyId): JournalDraft {
  return keyEntry(actor, { action: 'host_key.pinned', pin, id })
}

/** A key is refused from now on. */
export function keyRevoked(actor: Actor, pin: Described, id?: HostKeyId): JournalDraft {
  return keyEntry(actor, { action: 'host_key.revoked', pin, id })
}

/** A key that was revoked is trusted again. */
export function keyTrusted(actor: Actor, pin: Described, id?: HostKeyId): JournalDraft {
  return keyEntry(actor, { action: 'host_key.trusted', pin, id })
}

export function keyDeleted(actor: Actor, pin: Described, id: HostKeyId): JournalDraft {
  return keyEntry(actor, { action: 'host_key.deleted', pin, id })
}

/** What of a known_hosts file became known at once. */
export function keysImported(actor: Actor, pins: readonly NewPin[], reason: string | null): JournalDraft {
  const marked = (wanted: HostKeyMark) => pins.filter(({ mark }) => mark === wanted).length
  const lines = pins.map(lineOf).sort()
  const fingerprints = [...new Set(pins.map(({ fingerprint }) => fingerprint))].sort()
  return {
    action: 'host_key.imported',
    outcome: 'success',
    actor,
    facts: {
      pinned: marked('trusted'),
      revoked: marked('revoked'),
      kept: marked('cert_authority'),
      patterns: pins.filter(({ kind }) => kind === 'pattern').length,
      fingerprints: fingerprints.slice(0, MAX_LISTED),
    },
    details: {
      // Of names, which can be guessed: so it goes with what may be erased.
      digest: hash('sha256', lines.map((line) => `${line}\n`).join('')),
      keys: lines.filter((line) => line.length <= MAX_LISTED_LENGTH).slice(0, MAX_LISTED),
      ...(reason !== null && { reason }),
    },
  }
}

function lineOf({ mark, host, port, via, fingerprint }: NewPin): string {
  return `${mark} ${host} ${port} ${via ?? '-'} ${fingerprint}`
}

/** @param change.replaced Fingerprints that are no longer trusted; when there are none, the key was only pinned. */
export function keyReplaced(
  actor: Actor,
  pin: Described,
  { id, replaced }: { id: HostKeyId; replaced: readonly string[] },
): JournalDraft {
  if (replaced.length === 0) return keyPinned(actor, pin, id)
  const entry = keyEntry(actor, { action: 'host_key.replaced', pin, id })
  return { ...entry, facts: { ...entry.facts, replaced: [...replaced] } }
}

/** A key as it is stored, as entries describe it. */
export function describeKey(key: KnownHostKey): Described {
  return { ...key, via: key.viaTargetId }
}

function keyEntry(
  actor: Actor,
  { action, pin, id }: { action: string; pin: Described; id: HostKeyId | undefined },
): JournalDraft {
  return {
    action,
    outcome: 'success',
    actor,
    ...(id && { resource: { kind: 'host_key', id } }),
    facts: {
      fingerprint: pin.fingerprint,
      algorithm: pin.algorithm,
      source: pin.source,
      scope: pin.userId === null ? 'organization' : 'user',
      ...(pin.via !== null && { viaTargetId: pin.via }),
    },
    details: { host: pin.host, port: pin.port, ...(pin.reason !== null && { reason: pin.reason }) },
  }
}
