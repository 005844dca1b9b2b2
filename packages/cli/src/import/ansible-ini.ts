import { type AnsibleGroups, addHosts, groupOf, type Variables } from './ansible-groups.js'

/** Reads an inventory in INI form: `[group]`, `[group:children]`, `[group:vars]`, hosts with variables on their line. */
export function readIniInventory(text: string): AnsibleGroups {
  const groups: AnsibleGroups = new Map()
  let [name, kind] = ['ungrouped', 'hosts']
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || /^[#;]/.test(line)) continue
    const [, section, suffix] = /^\[([^\]:]+)(?::(\w+))?\]\s*(?:[#;].*)?$/.exec(line) ?? []
    if (section !== undefined) {
      ;[name, kind] = [section.trim(), suffix ?? 'hosts']
      groupOf(groups, name)
    } else if (kind === 'hosts') addHostLine(groups, name, line)
    else if (kind === 'children') addChild(groups, name, withoutComment(line))
    else if (kind === 'vars') addVariable(groups, name, line)
    else throw new Error(`line ${index + 1}: there is no [${name}:${kind}]`)
  }
  return groups
}

function addHostLine(groups: AnsibleGroups, group: string, line: string): void {
  const [host = '', ...words] = splitWords(line)
  const variables = Object.fromEntries(words.flatMap(toPair))
  // `host:2222` is an old form of ansible_port.
  const [, name = host, port] = /^([^:[\]]+(?:\[[^\]]+\][^:[\]]*)*):(\d+)$/.exec(host) ?? []
  addHosts(
    groupOf(groups, group),
    name,
    port === undefined ? variables : { ansible_port: port, ...variables },
  )
}

function addChild(groups: AnsibleGroups, group: string, child: string): void {
  groupOf(groups, group).children.add(child)
  groupOf(groups, child)
}

function addVariable(groups: AnsibleGroups, name: string, line: string): void {
  const group = groupOf(groups, name)
  const [, key, value] = /^([^\s=]+)\s*=\s*(.*)$/.exec(line) ?? []
  if (key !== undefined)
    group.variables = { ...group.variables, [key]: unquote(value ?? '') } satisfies Variables
}

function toPair(word: string): [string, string][] {
  const at = word.indexOf('=')
  return at < 1 ? [] : [[word.slice(0, at), word.slice(at + 1)]]
}

/** As a shell splits: quotes hold words together, a `#` that begins a word begins a comment. */
function splitWords(line: string): string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+/g)) {
    if (word.startsWith('#')) break
    words.push(
      word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double = '', single = '') => double + single),
    )
  }
  return words
}

function withoutComment(line: string): string {
  return line.replace(/\s+[#;].*$/, '')
}

function unquote(value: string): string {
  return withoutComment(value).replace(/^(["'])(.*)\1$/, '$2')
}
