import { requirePermission } from '../../access/decide.js'
import type { Gate } from '../../auth/gate/gate.js'
import type { Db, Trx } from '../../db/database.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId } from '../../model/ids.js'
import type { ImportedTarget, ImportTargetsInput, TargetImport } from '../../model/target-import.js'
import { managesCredentials } from './placing-rights.js'
import { targetCreated, targetUpdated } from './target-entries.js'
import { type ImportPlanDeps, type ImportStep, planImport } from './target-import-plan.js'
import type { TargetWriter } from './target-writer.js'

export interface TargetImporterDeps {
  readonly gate: Gate
  readonly store: { db: Db; journal: Journal }
  readonly plan: ImportPlanDeps
  readonly writer: TargetWriter
  /** Told after each change. */
  readonly onChanged: (orgId: OrgId) => void
}

/** Takes over targets of another inventory; connects to none of them. */
export class TargetImporter {
  readonly #deps: TargetImporterDeps

  constructor(deps: TargetImporterDeps) {
    this.#deps = deps
  }

  /** See `TargetsApi.import`. */
  async import(
    actor: Actor,
    { targets, username, credentialId, dryRun = false }: ImportTargetsInput,
  ): Promise<TargetImport> {
    const { gate, store, plan } = this.#deps
    return gate.run(actor, { permission: 'target:manage' }, async ({ subject }) => {
      if (credentialId !== undefined) requirePermission(subject, 'credential:manage')
      const request = { targets, username, credentialId, mayMoveSecrets: managesCredentials(subject) }
      if (dryRun) {
        const steps = await planImport(plan, { db: store.db, orgId: actor.orgId }, request)
        return { dryRun, items: steps.map((step) => toItem(step, { isDone: false })) }
      }
      const items = await this.#commit(actor, (trx) =>
        planImport(plan, { db: trx, orgId: actor.orgId }, request),
      )
      return { dryRun, items }
    })
  }

  // Planned within the transaction, so that nobody changes meanwhile what it compares with.
  async #commit(actor: Actor, planned: (trx: Trx) => Promise<ImportStep[]>) {
    const { store, onChanged } = this.#deps
    const done = await store.journal.transact(
      actor.orgId,
      async (trx) => {
        const steps = await planned(trx)
        const entries = await this.#apply(trx, actor, steps)
        return { entries, items: steps.map((step) => toItem(step, { isDone: true })) }
      },
      ({ entries }) => entries,
    )
    if (done.entries.length > 0) onChanged(actor.orgId)
    return done.items
  }

  async #apply(trx: Trx, actor: Actor, steps: readonly ImportStep[]): Promise<JournalDraft[]> {
    const { created, updated } = await this.#deps.writer.writeAll(trx, actor.orgId, {
      created: steps.filter((step) => step.kind === 'create'),
      updated: steps.filter((step) => step.kind === 'update'),
    })
    return [
      ...created.map((target) => targetCreated(actor, target)),
      ...updated.flatMap((change) => targetUpdated(actor, change)),
    ]
  }
}

function toItem(step: ImportStep, { isDone }: { isDone: boolean }): ImportedTarget {
  const nothing = { targetId: null, changed: [], reason: null }
  if (step.kind === 'refuse') return { ...nothing, name: step.name, outcome: 'refused', reason: step.reason }
  if (step.kind === 'unchanged')
    return { ...nothing, name: step.name, outcome: 'unchanged', targetId: step.id }
  if (step.kind === 'update') {
    const { id, name } = step.before
    return { ...nothing, name, outcome: 'updated', targetId: id, changed: step.changed }
  }
  return { ...nothing, name: step.draft.name, outcome: 'created', targetId: isDone ? step.id : null }
}
