import { parseTargetSelector } from '../../access/target-selector.js'
import type { Caller } from '../../auth/gate/gate.js'
import { groupBy } from '../../base/group-by.js'
import type { Db } from '../../db/database.js'
import { decodeCursor, toPage } from '../../db/repositories/cursor.js'
import { type HostPlaceKey, listPinsOfHosts } from '../../db/repositories/host-key.repository.js'
import { listNamesFor, type StoredTarget } from '../../db/repositories/target.repository.js'
import type { OrgId, TargetId } from '../../model/ids.js'
import { DEFAULT_PAGE_LIMIT, type Page } from '../../model/page.js'
import type { Target, TargetQuery } from '../../model/target.js'
import type { AccessSnapshots } from '../access-rules/access-snapshots.js'
import type { TargetAccess, TargetFilter } from '../access-rules/target-access.js'
import type { OrgTargets } from '../index/org-targets.js'
import { managesCredentials } from './placing-rights.js'

export interface TargetReaderDeps {
  readonly db: Db
  readonly snapshots: AccessSnapshots
  readonly access: TargetAccess
}

/** Targets as a caller may see them. */
export class TargetReader {
  readonly #deps: TargetReaderDeps

  constructor(deps: TargetReaderDeps) {
    this.#deps = deps
  }

  /** @throws KrownError NOT_FOUND for what the caller may not see. */
  async get(caller: Caller, id: TargetId): Promise<Target> {
    const { snapshots, access, db } = this.#deps
    const { orgId } = caller.actor
    const { targets, rules } = await snapshots.current(orgId)
    const target = access.requireVisible(caller, rules, targets.find(id))
    return describeTarget(db, target, toldNames(caller, targets, access.visibleTo(caller, rules)))
  }

  /** A fixed number of statements, whatever the page: which targets it has is decided in memory. */
  async list(caller: Caller, query: TargetQuery): Promise<Page<Target>> {
    const { snapshots, access, db } = this.#deps
    const { orgId } = caller.actor
    const { limit = DEFAULT_PAGE_LIMIT, cursor, ...given } = query
    const filters = { list: 'targets', ...given }
    const before = cursor === undefined ? undefined : decodeCursor(filters, cursor, ['string'])[0]
    const isAsked = filterOf(given)
    const { targets, rules } = await snapshots.current(orgId)
    const isVisible = access.visibleTo(caller, rules)
    const found = await targets.page({
      before: before as TargetId | undefined,
      limit: limit + 1,
      // What the caller may not see costs it nothing to ask about, and may cost nobody else.
      matches: (target) => isVisible(target) && isAsked(target),
    })
    const told = toldNames(caller, targets, isVisible)
    const page = toPage(found, limit, { filters, key: ({ id }) => [id], item: (target) => target })
    return { ...page, items: await describeTargets(db, orgId, { targets: page.items, told }) }
  }
}

/** @throws KrownError VALIDATION_FAILED for a selector that cannot be read. */
function filterOf({ search, name, selector }: TargetQuery): (target: StoredTarget) => boolean {
  const checks: ((target: StoredTarget) => boolean)[] = []
  if (name !== undefined) checks.push((target) => target.name === name.toLowerCase())
  if (search !== undefined) checks.push((target) => mentions(target, search.toLowerCase()))
  if (selector !== undefined) {
    const parsed = parseTargetSelector(selector)
    checks.push((target) => parsed.matches(target))
  }
  return (target) => checks.every((check) => check(target))
}

function mentions({ name, host, description }: StoredTarget, text: string): boolean {
  return name.includes(text) || host.includes(text) || (description?.toLowerCase().includes(text) ?? false)
}

/** Of which credentials and jump hosts somebody is told what they are called. */
export interface ToldNames {
  readonly credentials: boolean
  readonly jumpTarget: (id: TargetId) => boolean
}

function toldNames({ subject }: Caller, targets: OrgTargets, isVisible: TargetFilter): ToldNames {
  return {
    credentials: managesCredentials(subject),
    jumpTarget: (id) => {
      const jump = targets.find(id)
      return jump !== undefined && isVisible(jump)
    },
  }
}

/** With the keys that are pinned for it in the organization, and what of its credential and jump host may be told. */
export async function describeTarget(db: Db, target: StoredTarget, told: ToldNames): Promise<Target> {
  const [whole] = await describeTargets(db, target.orgId, { targets: [target], told })
  return whole ?? toTarget(target, { names: new Map(), hostKeyFingerprints: [] })
}

async function describeTargets(
  db: Db,
  orgId: OrgId,
  { targets, told }: { targets: readonly StoredTarget[]; told: ToldNames },
): Promise<Target[]> {
  const hosts = [...new Set(targets.map(({ host }) => host))]
  const [pins, names] = await Promise.all([
    listPinsOfHosts(db, orgId, hosts),
    listNamesFor(db, orgId, targets.map(namedIds(told))),
  ])
  const trusted = groupBy(
    pins.filter(({ kind, mark }) => kind === 'exact' && mark === 'trusted'),
    placeKey,
  )
  return targets.map((target) => {
    const own = trusted.get(placeKey({ ...target, via: target.jumpTargetId })) ?? []
    return toTarget(target, { names, hostKeyFingerprints: own.map(({ fingerprint }) => fingerprint).sort() })
  })
}

/** Only what may be told is asked for. */
function namedIds({ credentials, jumpTarget }: ToldNames) {
  return ({ credentialId, jumpTargetId }: StoredTarget) => ({
    credentialId: credentials ? credentialId : null,
    jumpTargetId: jumpTargetId !== null && jumpTarget(jumpTargetId) ? jumpTargetId : null,
  })
}

function placeKey({ host, port, via }: HostPlaceKey): string {
  return `${host} ${port} ${via ?? ''}`
}

// Field by field: what is kept in memory with a target is not for callers.
function toTarget(
  target: StoredTarget,
  { names, hostKeyFingerprints }: { names: ReadonlyMap<string, string>; hostKeyFingerprints: string[] },
): Target {
  return {
    id: target.id,
    orgId: target.orgId,
    name: target.name,
    host: target.host,
    port: target.port,
    username: target.username,
    tags: [...target.tags],
    credentialId: target.credentialId,
    credentialName: names.get(target.credentialId ?? '') ?? null,
    jumpTargetId: target.jumpTargetId,
    jumpTargetName: names.get(target.jumpTargetId ?? '') ?? null,
    legacyAlgorithms: target.legacyAlgorithms,
    description: target.description,
    hostKeyFingerprints,
    createdAt: target.createdAt,
    updatedAt: target.updatedAt,
  }
}
