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
  return keyEntry('host_key.pinned', actor, { pin, id })
}

/** A key is refused from now on. */
export function keyRevoked(actor: Actor, pin: Described, id?: HostKeyId): JournalDraft {
  return keyEntry('host_key.revoked', actor, { pin, id })
}

/** A key that was revoked is trusted again. */
export function keyTrusted(actor: Actor, pin: Described, id?: HostKeyId): JournalDraft {
  return keyEntry('host_key.trusted', actor, { pin, id })
}

export function keyDeleted(actor: Actor, pin: Described, id: HostKeyId): JournalDraft {
  return keyEntry('host_key.deleted', actor, { pin, id })
}

/** A certificate authority of an import was put down, and is not used. */
export function authorityKept(actor: Actor, pin: Described, id?: HostKeyId): JournalDraft {
  return keyEntry('host_key.kept', actor, { pin, id })
}

/** @param change.replaced Fingerprints that are no longer trusted; when there are none, the key was only pinned. */
export function keyReplaced(
  actor: Actor,
  pin: Described,
  { id, replaced }: { id: HostKeyId; replaced: readonly string[] },
): JournalDraft {
  if (replaced.length === 0) return keyPinned(actor, pin, id)
  const entry = keyEntry('host_key.replaced', actor, { pin, id })
  return { ...entry, facts: { ...entry.facts, replaced: [...replaced] } }
}

/** A key as it is stored, as entries describe it. */
export function describeKey(key: KnownHostKey): Described {
  return { ...key, via: key.viaTargetId }
}

function keyEntry(
  action: string,
  actor: Actor,
  { pin, id }: { pin: Described; id: HostKeyId | undefined },
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
