import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import type { HostPlace } from '../../model/host-key.js'
import { canonicalHost, DEFAULT_SSH_PORT } from '../outbound/parse-host.js'

/** A host whose key is to be seen. */
export interface PlaceToAsk extends HostPlaceKey {
  readonly legacyAlgorithms: boolean
  /** As in `DialledHost`: whose pins say which of its keys it is asked for. */
  readonly strict: boolean
  /** Fingerprint of the key that is wanted, if one is. */
  readonly given?: string | undefined
}

/**
 * The place that host keys are known by, in its one spelling.
 *
 * @throws KrownError VALIDATION_FAILED for what is neither a name nor an address; TARGET_POLICY_DENIED for an address
 * with a zone id.
 */
export function placeOf({ host, port = DEFAULT_SSH_PORT, viaTargetId }: HostPlace): HostPlaceKey {
  return { host: canonicalHost(host), port, via: viaTargetId ?? null }
}
