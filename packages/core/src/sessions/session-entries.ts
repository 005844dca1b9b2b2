import type { KrownError } from '../errors/krown-error.js'
import type { JournalDraft } from '../journal/entry.js'
import type { Actor } from '../model/actor.js'
import type { SessionId } from '../model/ids.js'
import type { Session } from '../model/session.js'
import { type DialPlan, methodOf } from '../targets/dialing/dial-plan.js'
import type { VerifiedHostKey } from '../targets/host-keys/host-keys.js'
import { dialFailureFacts, dialOutcome } from '../targets/outbound/dial-failure.js'

/** The intent: durable before the target is dialled. */
export function sessionOpening(actor: Actor, id: SessionId, { jumps, last }: DialPlan): JournalDraft {
  const { auth, targetId } = last
  return {
    action: 'session.opening',
    outcome: 'success',
    actor,
    resource: { kind: 'session', id },
    facts: {
      authMethod: methodOf(auth),
      ...(targetId !== null && { targetId, credential: auth.kind }),
      ...(auth.kind === 'stored' && { credentialId: auth.credentialId }),
      ...(jumps.length > 0 && { jumpTargetIds: jumps.flatMap((hop) => hop.targetId ?? []) }),
      ...([last, ...jumps].some((hop) => hop.legacyAlgorithms) && { legacyAlgorithms: true }),
    },
    details: {
      ...(targetId !== null && { target: last.name }),
      ...{ host: last.host, port: last.port, targetUsername: last.username },
    },
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
    outcome: dialOutcome(error),
    actor,
    resource: { kind: 'session', id },
    facts: dialFailureFacts(error),
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
