import type { Db } from '../../db/database.js'
import { findTargetsByName, type StoredTarget } from '../../db/repositories/target.repository.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { CredentialId, OrgId, TargetId } from '../../model/ids.js'
import { MAX_TAGS } from '../../model/target.js'
import type { ImportTarget } from '../../model/target-import.js'
import { MAX_JUMPS } from '../dialing/dial-plan.js'
import type { OutboundPolicy } from '../outbound/outbound-policy.js'
import { DEFAULT_SSH_PORT } from '../outbound/parse-host.js'
import { JumpWays, type WayProblem } from './jump-ways.js'
import { movesSecret } from './placing-rights.js'
import { changedDraft, changedFields, draftOf, type TargetDraft } from './target-draft.js'
import { requireCredential } from './target-writer.js'

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
  /** Of new targets of which nothing else is said. */
  readonly username: string | undefined
  readonly credentialId: CredentialId | undefined
  /** Whether the caller may send a stored credential where it did not go before. */
  readonly mayMoveSecrets: boolean
}

/**
 * Compares what is given with the inventory, in a few statements however much it is.
 *
 * @throws KrownError NOT_FOUND for the credential.
 */
export async function planImport(
  deps: ImportPlanDeps,
  { db, orgId }: { db: Db; orgId: OrgId },
  request: ImportRequest,
): Promise<ImportStep[]> {
  const { targets, credentialId } = request
  if (credentialId !== undefined) await requireCredential(db, orgId, credentialId)
  const names = targets.flatMap(({ name, jump }) => (jump ? [fold(name), fold(jump)] : [fold(name)]))
  const found = await findTargetsByName(db, orgId, [...new Set(names)])
  const known = new Map(found.map((target) => [target.name, target]))
  const ways = await JumpWays.read(db, orgId, waysToRead(targets, known))
  const planner = new ImportPlanner(deps, request, { known, ways })
  return targets.map((target) => planner.plan(target))
}

function waysToRead(targets: readonly ImportTarget[], known: ReadonlyMap<string, StoredTarget>) {
  const through = new Set<TargetId>()
  const moved = new Set<TargetId>()
  for (const { name, jump } of targets) {
    if (jump === undefined) continue
    const jumpTargetId = jump ? known.get(fold(jump))?.id : null
    if (jumpTargetId) through.add(jumpTargetId)
    const before = known.get(fold(name))
    if (before && before.jumpTargetId !== jumpTargetId) moved.add(before.id)
  }
  return { through: [...through], moved: [...moved] }
}

class ImportPlanner {
  readonly #deps: ImportPlanDeps
  readonly #request: ImportRequest
  readonly #known: ReadonlyMap<string, StoredTarget>
  readonly #ways: JumpWays
  /** By name, of what is there or will be. */
  readonly #ids: Map<string, TargetId>
  readonly #taken = new Set<string>()
  readonly #refused = new Set<string>()

  constructor(
    deps: ImportPlanDeps,
    request: ImportRequest,
    { known, ways }: { known: ReadonlyMap<string, StoredTarget>; ways: JumpWays },
  ) {
    this.#deps = deps
    this.#request = request
    this.#known = known
    this.#ways = ways
    this.#ids = new Map([...known].map(([name, { id }]) => [name, id]))
  }

  plan(target: ImportTarget): ImportStep {
    const name = fold(target.name)
    const step = this.#taken.has(name) ? refuse(name, 'the name is there twice') : this.#step(name, target)
    if (step.kind === 'refuse') this.#refused.add(name)
    else this.#taken.add(name)
    if (step.kind === 'create') this.#place(step.id, step.draft)
    if (step.kind === 'update') this.#place(step.before.id, step.draft)
    return step
  }

  #place(id: TargetId, { name, jumpTargetId }: TargetDraft): void {
    this.#ids.set(name, id)
    this.#ways.place({ id, jumpTargetId })
  }

  #step(name: string, { jump, ...target }: ImportTarget): ImportStep {
    const before = this.#known.get(name)
    const jumpTargetId = jump ? this.#ids.get(fold(jump)) : null
    if (jumpTargetId === undefined) return refuse(name, this.#whyNotThrough(jump ?? ''))
    const usual = before ?? { host: target.name, port: DEFAULT_SSH_PORT, username: this.#request.username }
    const { host = usual.host, port = usual.port, username = usual.username } = target
    if (username === undefined) return refuse(name, 'it has no user name')
    const way = jump === undefined && before ? before.jumpTargetId : jumpTargetId
    const given = { ...target, host, port, username, jumpTargetId: way }
    const reason = this.#denialOf(given)
    if (reason !== undefined) return refuse(name, reason)
    return before ? this.#update(before, given) : this.#create(name, given)
  }

  #create(name: string, given: GivenTarget): ImportStep {
    const problem = this.#ways.problemOf({ id: null, jumpTargetId: given.jumpTargetId })
    if (problem !== undefined) return refuse(name, WAY_PROBLEMS[problem])
    const draft = draftOf({ ...given, credentialId: this.#request.credentialId ?? null })
    return { kind: 'create', id: this.#deps.newId(), draft }
  }

  #update(before: StoredTarget, { host, port, username, tags = [], jumpTargetId }: GivenTarget): ImportStep {
    const { id, name } = before
    const credentialId = before.credentialId ?? this.#request.credentialId
    const place = { host, port, username, jumpTargetId, credentialId }
    const draft = changedDraft(before, { ...place, tags: [...before.tags, ...tags] })
    const changed = changedFields(before, draft)
    if (changed.length === 0) return { kind: 'unchanged', id, name }
    if (changed.includes('tags') && draft.tags.length > MAX_TAGS)
      return refuse(name, `it would have more than ${MAX_TAGS} tags`)
    if (!this.#request.mayMoveSecrets && movesSecret(before, draft)) {
      return refuse(name, 'its credential would go elsewhere: that takes credential:manage')
    }
    const isMoved = jumpTargetId !== before.jumpTargetId
    const problem = isMoved ? this.#ways.problemOf({ id, jumpTargetId }) : undefined
    return problem === undefined
      ? { kind: 'update', before, draft, changed }
      : refuse(name, WAY_PROBLEMS[problem])
  }

  #whyNotThrough(jump: string): string {
    return this.#refused.has(fold(jump))
      ? `its jump host ${jump} was refused`
      : `its jump host ${jump} is neither in the inventory nor before it`
  }

  #denialOf({ host, port }: GivenTarget): string | undefined {
    try {
      this.#deps.outbound.checkRequest(host, port, { adhoc: false })
      return undefined
    } catch (error) {
      if (isKrownError(error)) return error.message
      throw error
    }
  }
}

/** With its place in full. */
type GivenTarget = Pick<ImportTarget, 'name' | 'tags'> &
  Pick<TargetDraft, 'host' | 'port' | 'username' | 'jumpTargetId'>

const WAY_PROBLEMS: Readonly<Record<WayProblem, string>> = {
  unknown: 'its jump host is not in the inventory',
  'through itself': 'the target would be reached through itself',
  'too long': `its way has more than ${MAX_JUMPS} jump hosts`,
}

function refuse(name: string, reason: string): ImportStep {
  return { kind: 'refuse', name, reason }
}

function fold(name: string): string {
  return name.toLowerCase()
}
