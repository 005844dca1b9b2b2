import { parseTargetSelector } from '../../access/target-selector.js'
import type { Caller, Gate } from '../../auth/gate/gate.js'
import { startCancellation } from '../../base/cancellation.js'
import type { Clock } from '../../base/clock.js'
import { startDeadline } from '../../base/deadline.js'
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
} from '../../model/host-key.js'
import type { OrgId, TargetId } from '../../model/ids.js'
import type { Target } from '../../model/target.js'
import type { OrgTargets } from '../index/org-targets.js'
import { keyReplaced } from './host-key-entries.js'
import type { HostKeyProbes, SeenKey } from './host-key-probes.js'
import type { NewPin, PinWriter } from './pin-writer.js'
import { requireOrganization } from './require-organization.js'

export interface HostKeyRetrustDeps {
  readonly gate: Gate
  readonly store: { readonly db: Db; readonly journal: Journal }
  readonly clock: Clock
  readonly pins: PinWriter
  readonly probe: HostKeyProbes
  readonly inventory: { of(orgId: OrgId): Promise<OrgTargets> }
}

const PROBES_AT_ONCE = 8
/** Of one call; targets whose turn has not come by then have failed. */
const LONGEST_MS = 120_000

type PlacedTarget = Pick<Target, 'id' | 'name' | 'host' | 'port' | 'jumpTargetId' | 'legacyAlgorithms'>
type Outcome = Omit<RetrustedTarget, 'targetId' | 'name' | 'host' | 'port'>

interface RetrustOptions {
  readonly dryRun: boolean
  readonly reason: string | null
  readonly signal: AbortSignal
}

/** Trusts machines of the inventory anew after they were rebuilt. */
export class HostKeyRetrust {
  readonly #deps: HostKeyRetrustDeps

  constructor(deps: HostKeyRetrustDeps) {
    this.#deps = deps
  }

  /** See `HostKeysApi.retrust`. */
  async retrust(
    actor: Actor,
    input: RetrustInput,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Retrust> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:manage' }, async (caller) => {
      requireOrganization(caller)
      const { dryRun = false, reason = null } = input
      const inventory = await this.#deps.inventory.of(actor.orgId)
      const targets = await chosen(inventory, input)
      using deadline = startDeadline(this.#deps.clock, LONGEST_MS, { reason: timeIsUp, parent: signal })
      using cancellation = startCancellation(deadline.signal)
      const options = { dryRun, reason, signal: cancellation.signal }
      const turns = new Semaphore(PROBES_AT_ONCE)
      const work = async (target: PlacedTarget) => {
        try {
          return await this.#retrustInTurn(caller, target, { ...options, turns })
        } catch (error) {
          // Every other target would fail the same.
          cancellation.abort(error)
          throw error
        }
      }
      const done = await jumpHostsFirst(inventory, targets, work)
      signal?.throwIfAborted()
      return { dryRun, targets: done }
    })
  }

  async #retrustInTurn(
    caller: Caller,
    target: PlacedTarget,
    { turns, ...options }: RetrustOptions & { turns: Semaphore },
  ): Promise<RetrustedTarget> {
    const { id: targetId, name, host, port, jumpTargetId: via } = target
    const place = { host, port, via, userId: null }
    const outcome = await this.#orFailed(caller, place, async () => {
      const endTurn = await turns.acquire(options.signal)
      try {
        return await this.#retrustOne(caller, target, options)
      } finally {
        endTurn()
      }
    })
    return { targetId, name, host, port, ...outcome }
  }

  async #orFailed(caller: Caller, place: HostPlaceScope, work: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await work()
    } catch (error) {
      if (!isKrownError(error) || NOT_OF_THE_TARGET.has(error.code)) throw error
      return this.#failed(caller, place, { errorCode: error.code })
    }
  }

  async #retrustOne(
    caller: Caller,
    { host, port, jumpTargetId: via, legacyAlgorithms }: PlacedTarget,
    { dryRun, reason, signal }: RetrustOptions,
  ): Promise<Outcome> {
    const place = { host, port, via, userId: null }
    const seen = await this.#deps.probe.look(caller, { ...place, legacyAlgorithms, strict: true }, signal)
    signal.throwIfAborted()
    if (seen.standing.kind === 'revoked') return this.#failed(caller, place, seenRevoked(seen))
    return dryRun
      ? describe(await this.#pinnedAt(this.#deps.store.db, caller.actor, place), seen)
      : this.#replace(caller, place, { seen, reason })
  }

  // The journal's transaction is the organization's mutex: what was there before is what is replaced.
  async #replace(
    { actor }: Caller,
    place: HostPlaceScope,
    { seen, reason }: { seen: SeenKey; reason: string | null },
  ): Promise<Outcome> {
    const { algorithm, fingerprint } = seen.key
    const pin: NewPin = { ...place, algorithm, fingerprint, mark: 'trusted', source: 'probe', reason }
    const { outcome } = await this.#deps.store.journal.transact(
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
    const before = await this.#pinnedAt(this.#deps.store.db, actor, place)
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

/**
 * Does the work for each, and what is on the way to another before that one; in the order of the targets.
 *
 * @throws what the first that failed threw, once none is under way any more.
 */
async function jumpHostsFirst<Result>(
  inventory: OrgTargets,
  targets: readonly PlacedTarget[],
  work: (target: PlacedTarget) => Promise<Result>,
): Promise<Result[]> {
  const ids = new Set(targets.map(({ id }) => id))
  const begun = new Map<TargetId, Promise<Result>>()
  const begin = (target: PlacedTarget): Promise<Result> => {
    const known = begun.get(target.id)
    if (known !== undefined) return known
    const onTheWay = chosenJumpHost(inventory, target, ids)
    const before = onTheWay ? begin(onTheWay) : Promise.resolve()
    // Whatever became of it.
    const result = before.then(ignore, ignore).then(() => work(target))
    begun.set(target.id, result)
    return result
  }
  const ends = await Promise.allSettled(targets.map(begin))
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
}

/** The nearest on the way that is among these. */
function chosenJumpHost(
  inventory: OrgTargets,
  { jumpTargetId }: PlacedTarget,
  ids: ReadonlySet<TargetId>,
): PlacedTarget | undefined {
  const seen = new Set<TargetId>()
  for (let next = jumpTargetId; next !== null && !seen.has(next); ) {
    const jump = inventory.find(next)
    if (!jump || ids.has(next)) return jump
    seen.add(next)
    next = jump.jumpTargetId
  }
  return undefined
}

function ignore(): void {}

function timeIsUp(): KrownError {
  return new KrownError('TARGET_TIMEOUT', 'there was no time left to look at this target')
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
