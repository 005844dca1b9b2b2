import { parseTargetSelector } from '../../access/target-selector.js'
import type { Caller, Gate } from '../../auth/gate/gate.js'
import { parseInput } from '../../base/parse-input.js'
import { Semaphore } from '../../base/semaphore.js'
import type { Db, Trx } from '../../db/database.js'
import { type HostPlaceScope, listTrustedPinsAt } from '../../db/repositories/host-key.repository.js'
import { isKrownError, KrownError, notFound, validationError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import {
  MAX_RETRUSTED_TARGETS,
  type Retrust,
  type RetrustedTarget,
  type RetrustInput,
  retrustInputSchema,
} from '../../model/host-key.js'
import type { OrgId } from '../../model/ids.js'
import type { Target } from '../../model/target.js'
import type { OrgTargets } from '../index/org-targets.js'
import { keyReplaced } from './host-key-entries.js'
import type { HostKeyProbes, SeenKey } from './host-key-probes.js'
import type { NewPin, PinWriter } from './pin-writer.js'
import { requireOrganization } from './require-organization.js'

export interface HostKeyRetrustDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly pins: PinWriter
  readonly probe: HostKeyProbes
  readonly inventory: { of(orgId: OrgId): Promise<OrgTargets> }
}

const PROBES_AT_ONCE = 8

type PlacedTarget = Pick<Target, 'id' | 'name' | 'host' | 'port' | 'jumpTargetId' | 'legacyAlgorithms'>
type Outcome = Omit<RetrustedTarget, 'targetId' | 'name' | 'host' | 'port'>

/** Trusts machines of the inventory anew after they were rebuilt. */
export class HostKeyRetrust {
  readonly #deps: HostKeyRetrustDeps

  constructor(deps: HostKeyRetrustDeps) {
    this.#deps = deps
  }

  /** See `HostKeysApi.retrust`. */
  async retrust(actor: Actor, given: RetrustInput): Promise<Retrust> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:manage' }, async (caller) => {
      requireOrganization(caller)
      const input = parseInput(retrustInputSchema, given)
      const { dryRun = false, reason = null } = input
      const targets = await chosen(await this.#deps.inventory.of(actor.orgId), input)
      const turns = new Semaphore(PROBES_AT_ONCE)
      const outcomes = targets.map(async (target) => {
        const endTurn = await turns.acquire()
        try {
          const outcome = await this.#retrustOne(caller, target, { dryRun, reason })
          const { id: targetId, name, host, port } = target
          return { targetId, name, host, port, ...outcome }
        } finally {
          endTurn()
        }
      })
      return { dryRun, targets: await Promise.all(outcomes) }
    })
  }

  async #retrustOne(
    caller: Caller,
    target: PlacedTarget,
    options: { dryRun: boolean; reason: string | null },
  ): Promise<Outcome> {
    const { host, port, jumpTargetId: via, legacyAlgorithms } = target
    const place = { host, port, via, userId: null }
    try {
      const seen = await this.#deps.probe.look(caller, {
        ...place,
        legacyAlgorithms,
        adhoc: false,
        strict: true,
      })
      if (seen.standing.kind === 'revoked') return await this.#failed(caller, place, seenRevoked(seen))
      return options.dryRun
        ? describe(await this.#pinnedAt(this.#deps.db, caller.actor, place), seen)
        : await this.#replace(caller, place, { seen, reason: options.reason })
    } catch (error) {
      if (!isKrownError(error) || NOT_OF_THE_TARGET.has(error.code)) throw error
      return this.#failed(caller, place, { errorCode: error.code })
    }
  }

  // The journal's transaction is the organization's mutex: what was there before is what is replaced.
  async #replace(
    { actor }: Caller,
    place: HostPlaceScope,
    { seen, reason }: { seen: SeenKey; reason: string | null },
  ): Promise<Outcome> {
    const { algorithm, fingerprint } = seen.key
    const pin: NewPin = { ...place, algorithm, fingerprint, mark: 'trusted', source: 'probe', reason }
    const { outcome } = await this.#deps.journal.transact(
      actor.orgId,
      async (trx) => {
        const result = describe(await this.#pinnedAt(trx, actor, place), seen)
        const entries = result.outcome === 'unchanged' ? [] : await this.#write(trx, actor, pin)
        return { outcome: result, entries }
      },
      ({ entries }) => entries,
    )
    return outcome
  }

  async #write(trx: Trx, actor: Actor, pin: NewPin): Promise<JournalDraft[]> {
    const { id, outcome, replaced } = await this.#deps.pins.replace(trx, actor, pin)
    if (outcome === 'stronger')
      throw new KrownError(
        'HOST_KEY_MISMATCH',
        "the host shows a key that was revoked, or a certificate authority's",
      )
    return outcome === 'known' && replaced.length === 0 ? [] : [keyReplaced(actor, pin, { id, replaced })]
  }

  async #pinnedAt(db: Db, actor: Actor, place: HostPlaceScope): Promise<string[]> {
    const pins = await listTrustedPinsAt(db, actor.orgId, place)
    return pins.map(({ fingerprint }) => fingerprint)
  }

  async #failed(
    { actor }: Caller,
    place: HostPlaceScope,
    failure: { errorCode: string } & Partial<Outcome>,
  ): Promise<Outcome> {
    const before = await this.#pinnedAt(this.#deps.db, actor, place)
    return { outcome: 'failed', before, fingerprint: null, algorithm: null, ...failure }
  }
}

/** Then every other target would fail the same. */
const NOT_OF_THE_TARGET = new Set<string>(['AUDIT_UNAVAILABLE', 'UNAVAILABLE', 'DRAINING', 'INTERNAL'])

async function chosen(
  targets: OrgTargets,
  { selector, targetIds = [] }: RetrustInput,
): Promise<PlacedTarget[]> {
  if (selector === undefined) return [...new Set(targetIds)].map((id) => targets.find(id) ?? missing())
  const { matches } = parseTargetSelector(selector)
  const limit = MAX_RETRUSTED_TARGETS + 1
  const found = await targets.page({ before: undefined, limit, matches })
  if (found.length < limit) return found
  const message = `means more than ${MAX_RETRUSTED_TARGETS} targets: that many are taken at once, by targetIds`
  throw validationError([{ path: 'selector', message }])
}

function missing(): never {
  throw notFound('target')
}

function describe(before: string[], { key: { fingerprint, algorithm } }: SeenKey): Outcome {
  // A host has several keys, of which it shows one: the others are as good as before.
  const outcome = before.includes(fingerprint) ? 'unchanged' : before.length === 0 ? 'pinned' : 'replaced'
  return { outcome, before, fingerprint, algorithm, errorCode: null }
}

function seenRevoked({ key }: SeenKey) {
  return { errorCode: 'HOST_KEY_MISMATCH', fingerprint: key.fingerprint, algorithm: key.algorithm }
}
