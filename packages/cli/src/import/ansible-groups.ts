/** Variables of a host or a group, as text. */
export type Variables = Readonly<Record<string, string>>

export interface AnsibleGroup {
  readonly hosts: Map<string, Variables>
  readonly children: Set<string>
  variables: Variables
}

/** An inventory as its file has it: groups by name. */
export type AnsibleGroups = Map<string, AnsibleGroup>

const MAX_HOSTS = 50_000
const RANGE = /\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]+))?\]/

/** The group of that name, made when it is not there. */
export function groupOf(groups: AnsibleGroups, name: string): AnsibleGroup {
  const known = groups.get(name)
  if (known) return known
  const group: AnsibleGroup = { hosts: new Map(), children: new Set(), variables: {} }
  groups.set(name, group)
  return group
}

/** Enters a host, and whatever `web[01:20].example.com` stands for; what was said of it before stays. */
export function addHosts(group: AnsibleGroup, pattern: string, variables: Variables): void {
  for (const host of expandRanges(pattern)) {
    group.hosts.set(host, { ...group.hosts.get(host), ...variables })
    if (group.hosts.size > MAX_HOSTS) throw new Error(`a group has more than ${MAX_HOSTS} hosts`)
  }
}

function expandRanges(pattern: string): string[] {
  let names = [pattern]
  for (;;) {
    const [whole, first = '', last = '', step = '1'] = RANGE.exec(names[0] ?? '') ?? []
    if (whole === undefined) return names
    const values = valuesBetween(first, last, Number(step))
    if (names.length * values.length > MAX_HOSTS) throw new Error(`${pattern} stands for too many hosts`)
    names = names.flatMap((name) => values.map((value) => name.replace(whole, value)))
  }
}

function valuesBetween(first: string, last: string, step: number): string[] {
  const areNumbers = /^\d/.test(first) && /^\d/.test(last)
  const [from, to] = areNumbers ? [Number(first), Number(last)] : [first.charCodeAt(0), last.charCodeAt(0)]
  if (step < 1 || to < from || (to - from) / step > MAX_HOSTS) {
    throw new Error(`[${first}:${last}:${step}] is no range of hosts`)
  }
  const count = Math.floor((to - from) / step) + 1
  const render = (value: number) =>
    areNumbers
      ? String(value).padStart(first.startsWith('0') ? first.length : 1, '0')
      : String.fromCharCode(value)
  return Array.from({ length: count }, (_, index) => render(from + index * step))
}

/** Says of each host which groups it is in and which variables it has, as Ansible does. */
export class GroupTree {
  readonly #groups: AnsibleGroups
  readonly #parents = new Map<string, string[]>()
  readonly #homes = new Map<string, string[]>()

  constructor(groups: AnsibleGroups) {
    this.#groups = groups
    for (const [name, { hosts, children }] of groups) {
      for (const child of children) append(this.#parents, child, name)
      for (const host of hosts.keys()) append(this.#homes, host, name)
    }
  }

  names(): string[] {
    return [...this.#groups.keys()]
  }

  /** In the order of the file. */
  hosts(): string[] {
    return [...this.#homes.keys()]
  }

  /** With those that these are children of, sorted. */
  groupsOf(host: string): string[] {
    return [...this.#depths(host).keys()].sort()
  }

  /** Of two groups the one that is further down decides, and before all of them the host itself. */
  variablesOf(host: string): Variables {
    const outermostFirst = [...this.#depths(host)].sort(
      ([one, depth], [other, otherDepth]) => depth - otherDepth || (one < other ? -1 : 1),
    )
    const ofGroups = outermostFirst.map(([name]) => this.#groups.get(name)?.variables)
    const own = [...this.#groups.values()].map(({ hosts }) => hosts.get(host))
    return Object.assign({}, this.#groups.get('all')?.variables, ...ofGroups, ...own)
  }

  /** The groups of a host with how far each is from the outermost. */
  #depths(host: string): Map<string, number> {
    const found = new Set<string>()
    const collect = (name: string): void => {
      if (found.has(name)) return
      found.add(name)
      for (const parent of this.#parents.get(name) ?? []) collect(parent)
    }
    for (const name of this.#homes.get(host) ?? []) collect(name)
    return new Map([...found].map((name) => [name, this.#depthOf(name, new Set())]))
  }

  #depthOf(name: string, onTheWay: ReadonlySet<string>): number {
    if (name === 'all' || onTheWay.has(name)) return 0
    const depths = (this.#parents.get(name) ?? []).map((parent) =>
      this.#depthOf(parent, new Set([...onTheWay, name])),
    )
    return Math.max(0, ...depths) + 1
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}
