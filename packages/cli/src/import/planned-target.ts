/** A target as a file describes it. */
export interface PlannedTarget {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly username: string
  readonly tags: readonly string[]
  /** Name of the target through which it is reached. */
  readonly jump: string | null
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
