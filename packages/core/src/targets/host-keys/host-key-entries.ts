import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import type { HostKeyId } from '../../model/ids.js'
import type { NewPin } from './pin-writer.js'

/** A key became trusted, whoever made it so. */
export function keyPinned(actor: Actor, pin: NewPin, id?: HostKeyId): JournalDraft {
  return {
    action: 'host_key.pinned',
    outcome: 'success',
    actor,
    ...(id && { resource: { kind: 'host_key', id } }),
    facts: keyFacts(pin),
    details: placeDetails(pin),
  }
}

export function keyFacts(pin: Pick<NewPin, 'fingerprint' | 'algorithm' | 'source' | 'userId' | 'via'>) {
  return {
    fingerprint: pin.fingerprint,
    algorithm: pin.algorithm,
    source: pin.source,
    scope: pin.userId === null ? 'organization' : 'user',
    ...(pin.via !== null && { viaTargetId: pin.via }),
  }
}

export function placeDetails({ host, port, reason }: { host: string; port: number; reason?: string | null }) {
  return { host, port, ...(reason != null && { reason }) }
}
