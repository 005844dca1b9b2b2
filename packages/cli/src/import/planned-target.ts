/** What a file need not say of a target. */
export type RouteField = 'host' | 'port' | 'username' | 'jump'

/** A target as a file describes it, with what a new one has by default. */
export interface PlannedTarget {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly username: string
  readonly tags: readonly string[]
  /** Name of the target through which it is reached. */
  readonly jump: string | null
  /** What the file itself says; of a target that is there, the rest stays as it is. */
  readonly stated: readonly RouteField[]
  /** Only named as a jump host: the file says nothing of it, so that what the inventory says counts. */
  readonly isOnlyNamed?: true
}

/** Something of a file that becomes no target, or not all of one, and why. */
export interface ImportRemark {
  /** The name in the file, or where in it. */
  readonly what: string
  readonly why: string
}

/** What a file comes to, before the server was asked. */
export interface ImportPlan {
  /** A jump host before those that need it. */
  readonly targets: readonly PlannedTarget[]
  readonly remarks: readonly ImportRemark[]
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const TAG = /^[A-Za-z0-9][A-Za-z0-9._=/-]{0,63}$/

export const isTargetName = (text: string): boolean => NAME.test(text)
export const isTag = (text: string): boolean => TAG.test(text)

/**
 * Jump hosts first. Who is reached through itself, or through somebody that is not in the file, stays with a remark
 * and without its jump host only if that one is unknown to the server: that is for the server to say.
 */
export function jumpHostsFirst(targets: readonly PlannedTarget[]): PlannedTarget[] {
  const byName = new Map(targets.map((target) => [target.name, target]))
  const ordered = new Set<PlannedTarget>()
  const add = (target: PlannedTarget, onTheWay: readonly PlannedTarget[]): void => {
    if (ordered.has(target) || onTheWay.includes(target)) return
    const jump = target.jump === null ? undefined : byName.get(target.jump)
    if (jump) add(jump, [...onTheWay, target])
    ordered.add(target)
  }
  for (const target of targets) add(target, [])
  return [...ordered]
}

/** Of a name that several have, the first one says where it is, and all of them its tags. */
export function mergePlans(plans: readonly ImportPlan[]): ImportPlan {
  const byName = new Map<string, PlannedTarget>()
  for (const target of plans.flatMap(({ targets }) => targets)) {
    const known = byName.get(target.name)
    const merged = known && { ...known, tags: [...new Set([...known.tags, ...target.tags])] }
    byName.set(target.name, merged ?? target)
  }
  return {
    targets: jumpHostsFirst([...byName.values()]),
    remarks: plans.flatMap(({ remarks }) => remarks),
  }
}

/** The fields for which something was found. */
export function statedFields(found: Readonly<Record<RouteField, unknown>>): RouteField[] {
  return (['host', 'port', 'username', 'jump'] as const).filter((field) => found[field] !== undefined)
}
