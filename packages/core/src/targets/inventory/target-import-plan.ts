import type { Db } from '../../db/database.js'
import {
  findTargetsByName,
  listJumpChain,
  type StoredTarget,
} from '../../db/repositories/target.repository.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { CredentialId, OrgId, TargetId } from '../../model/ids.js'
import type { ImportTarget } from '../../model/target-import.js'
import { MAX_JUMPS } from '../dialing/dial-plan.js'
import type { OutboundPolicy } from '../outbound/outbound-policy.js'
import { DEFAULT_SSH_PORT } from '../outbound/parse-host.js'
import { movesSecret } from './placing-rights.js'
import { changedDraft, changedFields, draftOf, type TargetDraft } from './target-draft.js'

/** What is to be done with one target of an import. */
export type ImportStep =
  | { readonly kind: 'create'; readonly id: TargetId; readonly draft: TargetDraft }
  | {
      readonly kind: 'update'
      readonly before: StoredTarget
      readonly draft: TargetDraft
      readonly changed: string[]
    }
  | { readonly kind: 'unchanged'; readonly id: TargetId; readonly name: string }
  | { readonly kind: 'refuse'; readonly name: string; readonly reason: string }

export interface ImportPlanDeps {
  readonly outbound: OutboundPolicy
  readonly newId: () => TargetId
}

export interface ImportRequest {
  readonly targets: readonly ImportTarget[]
  readonly credentialId: CredentialId | undefined
  /** Whether the caller may send a stored credential where it did not go before. */
  readonly mayMoveSecrets: boolean
}

/** Compares what is given with the inventory, in a few statements however much it is. */
export async function planImport(
  deps: ImportPlanDeps,
  { db, orgId }: { db: Db; orgId: OrgId },
  { targets, credentialId, mayMoveSecrets }: ImportRequest,
): Promise<ImportStep[]> {
  const names = targets.flatMap(({ name, jump }) => [
    name.toLowerCase(),
    ...(jump ? [jump.toLowerCase()] : []),
  ])
  const known = await findTargetsByName(db, orgId, [...new Set(names)])
  const planner = new ImportPlanner(deps, known, { credentialId, mayMoveSecrets })
  await planner.learnWays((id) => listJumpChain(db, orgId, { id, limit: MAX_JUMPS + 1 }), targets)
  return targets.map((target) => planner.plan(target))
}

class ImportPlanner {
  readonly #deps: ImportPlanDeps
  readonly #known: ReadonlyMap<string, StoredTarget>
  readonly #credentialId: CredentialId | undefined
  readonly #mayMoveSecrets: boolean
  /** By name, of what is there or will be: its id, and how many targets its own way has, itself included. */
  readonly #ways = new Map<string, { readonly id: TargetId; readonly length: number }>()
  readonly #seen = new Set<string>()

  constructor(
    deps: ImportPlanDeps,
    known: readonly StoredTarget[],
    { credentialId, mayMoveSecrets }: Pick<ImportRequest, 'credentialId' | 'mayMoveSecrets'>,
  ) {
    this.#deps = deps
    this.#known = new Map(known.map((target) => [target.name, target]))
    this.#credentialId = credentialId
    this.#mayMoveSecrets = mayMoveSecrets
  }

  /** Of the jump hosts that are there already. */
  async learnWays(
    chainOf: (id: TargetId) => Promise<readonly TargetId[]>,
    targets: readonly ImportTarget[],
  ): Promise<void> {
    for (const jump of new Set(targets.flatMap(({ jump }) => (jump ? [jump.toLowerCase()] : [])))) {
      const id = this.#known.get(jump)?.id
      if (id !== undefined) this.#ways.set(jump, { id, length: (await chainOf(id)).length })
    }
  }

  plan(target: ImportTarget): ImportStep {
    const name = target.name.toLowerCase()
    const way = target.jump ? this.#ways.get(target.jump.toLowerCase()) : undefined
    const reason = this.#refusalOf(target, way)
    if (reason !== undefined) return { kind: 'refuse', name, reason }
    this.#seen.add(name)
    const step = this.#step(target, way?.id ?? null)
    if (step.kind === 'create') this.#ways.set(name, { id: step.id, length: (way?.length ?? 0) + 1 })
    return step
  }

  #step({ name, host, port, username, tags = [] }: ImportTarget, jumpTargetId: TargetId | null): ImportStep {
    const before = this.#known.get(name.toLowerCase())
    const given = { host, port: port ?? DEFAULT_SSH_PORT, username, jumpTargetId }
    if (before === undefined) {
      const draft = draftOf({ name, tags, credentialId: this.#credentialId ?? null, ...given })
      return { kind: 'create', id: this.#deps.newId(), draft }
    }
    const credentialId = before.credentialId ?? this.#credentialId
    const draft = changedDraft(before, { ...given, tags: [...before.tags, ...tags], credentialId })
    if (!this.#mayMoveSecrets && movesSecret(before, draft)) {
      return {
        kind: 'refuse',
        name: before.name,
        reason: 'its credential would go elsewhere: that takes credential:manage',
      }
    }
    const changed = changedFields(before, draft)
    return changed.length === 0
      ? { kind: 'unchanged', id: before.id, name: before.name }
      : { kind: 'update', before, draft, changed }
  }

  #refusalOf(
    { name, host, port, jump }: ImportTarget,
    way: { length: number } | undefined,
  ): string | undefined {
    if (this.#seen.has(name.toLowerCase())) return 'the name is there twice'
    if (jump && way === undefined) return `its jump host ${jump} is neither in the inventory nor before it`
    if (way && way.length > MAX_JUMPS) return `its way has more than ${MAX_JUMPS} jump hosts`
    try {
      this.#deps.outbound.checkRequest(host, port ?? DEFAULT_SSH_PORT, { adhoc: false })
      return undefined
    } catch (error) {
      if (isKrownError(error)) return error.message
      throw error
    }
  }
}
