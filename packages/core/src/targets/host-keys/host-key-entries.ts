import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import type { KnownHostKey } from '../../model/host-key.js'
import type { HostKeyId } from '../../model/ids.js'
import type { NewPin } from './pin-writer.js'

type Described = Pick<NewPin, 'host' | 'port' | 'via' | 'userId' | 'algorithm' | 'fingerprint' | 'source'> & {
  readonly reason: string | null
}

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

/** A certificate authority of an import was put down, and is not used. */
export function authorityKept(actor: Actor, pin: Described, id?: HostKeyId): JournalDraft {
  return keyEntry(actor, { action: 'host_key.kept', pin, id })
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
