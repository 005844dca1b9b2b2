import { type AnsibleGroups, addHosts, groupOf, type Variables } from './ansible-groups.js'

const MAX_DEPTH = 32

/** Reads an inventory in YAML (or JSON) form: groups with `hosts`, `children` and `vars`. */
export async function readYamlInventory(text: string): Promise<AnsibleGroups> {
  // Asleep until somebody has such a file: the command line should start at once.
  const { parse } = await import('yaml')
  // Tags of Ansible, such as !vault, stay text.
  const document = readDocument(() => parse(text, { logLevel: 'error', prettyErrors: true }))
  const groups: AnsibleGroups = new Map()
  for (const [name, group] of entriesOf(document, 'the inventory'))
    addGroup(groups, { name, group, depth: 0 })
  return groups
}

/** What a parser says is a page with the place marked in it; its first line is enough. */
function readDocument(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (/call stack/.test(message)) throw new Error('it is nested too deeply')
    throw new Error(message.split('\n')[0]?.replace(/:$/, ''))
  }
}

function addGroup(
  groups: AnsibleGroups,
  { name, group, depth }: { name: string; group: unknown; depth: number },
): void {
  if (depth > MAX_DEPTH) throw new Error(`groups are nested more than ${MAX_DEPTH} deep`)
  const known = groupOf(groups, name)
  const parts = Object.fromEntries(entriesOf(group, name))
  for (const [host, variables] of entriesOf(parts.hosts, `${name}.hosts`)) {
    addHosts(known, host, toVariables(variables, host))
  }
  known.variables = { ...known.variables, ...toVariables(parts.vars, `${name}.vars`) }
  for (const [child, below] of entriesOf(parts.children, `${name}.children`)) {
    known.children.add(child)
    addGroup(groups, { name: child, group: below, depth: depth + 1 })
  }
}

function toVariables(value: unknown, what: string): Variables {
  return Object.fromEntries(
    entriesOf(value, what).flatMap(([name, one]) => (isScalar(one) ? [[name, String(one)]] : [])),
  )
}

/** Nothing is an empty mapping: `hosts:` with nothing below it is usual. */
function entriesOf(value: unknown, what: string): [string, unknown][] {
  if (value === null || value === undefined) return []
  if (typeof value === 'object' && !Array.isArray(value)) return Object.entries(value)
  throw new Error(`${what} is not a mapping`)
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
