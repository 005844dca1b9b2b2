import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import type { HostPlace } from '../../model/host-key.js'
import { parseHost } from '../outbound/parse-host.js'

const SSH_PORT = 22

/**
 * The place that host keys are known by, in its one spelling.
 *
 * @throws KrownError VALIDATION_FAILED for what is neither a name nor an address; TARGET_POLICY_DENIED for an address
 * with a zone id.
 */
export function placeOf({ host, port = SSH_PORT, viaTargetId }: HostPlace): HostPlaceKey {
  const parsed = parseHost(host)
  return { host: parsed.kind === 'ip' ? parsed.address : parsed.name, port, via: viaTargetId ?? null }
}
