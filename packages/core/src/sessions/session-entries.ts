import type { KrownError } from '../errors/krown-error.js'
import type { JsonObject, JsonValue } from '../journal/canonical-json.js'
import type { JournalDraft } from '../journal/entry.js'
import type { Actor } from '../model/actor.js'
import type { SessionId } from '../model/ids.js'
import type { OpenSessionInput, Session } from '../model/session.js'
import type { VerifiedHostKey } from '../targets/host-keys/host-keys.js'

/** The intent: durable before the target is dialled. */
export function sessionOpening(
  actor: Actor,
  id: SessionId,
  input: OpenSessionInput & { port: number },
): JournalDraft {
  return {
    action: 'session.opening',
    outcome: 'success',
    actor,
    resource: { kind: 'session', id },
    facts: { authMethod: input.auth.method },
    details: { host: input.host, port: input.port, targetUsername: input.username },
  }
}

export function sessionOpened(actor: Actor, id: SessionId, key: VerifiedHostKey): JournalDraft {
  return {
    action: 'session.opened',
    outcome: 'success',
    actor,
    resource: { kind: 'session', id },
    facts: { hostKeyFingerprint: key.fingerprint, hostKeyNewlyPinned: key.newlyPinned },
  }
}

export function sessionOpenFailed(actor: Actor, id: SessionId, error: KrownError): JournalDraft {
  return {
    action: 'session.open_failed',
    outcome: DENIALS.has(error.code) ? 'denied' : 'failure',
    actor,
    resource: { kind: 'session', id },
    facts: { code: error.code, ...hostKeyFacts(error) },
  }
}

export function sessionClosed(
  actor: Actor,
  session: Session,
  end: { reason: string; error: KrownError },
): JournalDraft {
  const { reason } = end.error.details ?? {}
  return {
    action: 'session.closed',
    outcome: 'success',
    actor,
    resource: { kind: 'session', id: session.id },
    facts: {
      reason: end.reason,
      code: end.error.code,
      ownerUserId: session.userId,
      ...(typeof reason === 'string' && { cause: reason }),
      bytesIn: session.bytesIn,
      bytesOut: session.bytesOut,
    },
  }
}

const DENIALS = new Set<string>(['TARGET_POLICY_DENIED', 'HOST_KEY_UNKNOWN', 'HOST_KEY_MISMATCH'])

/** A refused host key is journaled with both fingerprints. */
function hostKeyFacts({ details = {} }: KrownError): JsonObject {
  const facts: Record<string, JsonValue> = {}
  if (typeof details.presented === 'string') facts.presented = details.presented
  if (Array.isArray(details.expected)) facts.expected = details.expected as string[]
  return facts
}
