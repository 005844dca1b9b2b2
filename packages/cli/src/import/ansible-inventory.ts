import { readFileSync } from 'node:fs'
import { usageError } from '../cli-error.js'
import { type AnsibleGroups, GroupTree, type Variables } from './ansible-groups.js'
import { readIniInventory } from './ansible-ini.js'
import { readYamlInventory } from './ansible-yaml.js'
import {
  type ImportPlan,
  type ImportRemark,
  isTag,
  isTargetName,
  jumpHostsFirst,
  type PlannedTarget,
  statedFields,
} from './planned-target.js'

const DEFAULT_PORT = 22
/** Every host is in these two, so they say nothing. */
const USUAL_GROUPS = new Set(['all', 'ungrouped'])

/**
 * The hosts of an Ansible inventory, INI or YAML: groups become tags, with those that they are children of.
 *
 * @param options.username For hosts of which no variable says one.
 * @throws CliError when the file cannot be read.
 */
export async function planFromAnsible(file: string, options: { username: string }): Promise<ImportPlan> {
  const groups = new GroupTree(await readInventory(file))
  const targets: PlannedTarget[] = []
  const remarks: ImportRemark[] = []
  for (const host of groups.hosts()) {
    const found = toTarget(host, groups, options.username)
    if ('why' in found) remarks.push({ what: host, why: found.why })
    else targets.push(found)
  }
  return { targets: jumpHostsFirst(targets), remarks: [...remarks, ...withoutTag(groups)] }
}

async function readInventory(file: string): Promise<AnsibleGroups> {
  try {
    const text = readFileSync(file, 'utf8')
    return isYaml(file, text) ? await readYamlInventory(text) : readIniInventory(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw usageError(`${file} cannot be read: ${reason}`, 'an inventory is an INI or a YAML file')
  }
}

/** By its name; one without such an ending by how it begins. */
function isYaml(file: string, text: string): boolean {
  if (/\.(ya?ml|json)$/i.test(file)) return true
  return !/\.(ini|cfg)$/i.test(file) && /^(?:\s*#.*\n|\s*\n)*(?:---|[\w.-]+:\s*(?:\n|$)|\{)/.test(text)
}

function toTarget(host: string, groups: GroupTree, username: string): PlannedTarget | { why: string } {
  const variables = groups.variablesOf(host)
  const problem = problemOf(host, variables)
  if (problem !== undefined) return { why: problem }
  const found = {
    host: variables.ansible_host ?? variables.ansible_ssh_host,
    port: portOf(variables),
    username: variables.ansible_user ?? variables.ansible_ssh_user,
    jump: jumpOf(variables),
  }
  return {
    name: host.toLowerCase(),
    host: found.host ?? host,
    port: Number(found.port ?? DEFAULT_PORT),
    username: found.username ?? username,
    tags: groups
      .groupsOf(host)
      .filter((group) => !USUAL_GROUPS.has(group) && isTag(group))
      .map((group) => group.toLowerCase()),
    jump: found.jump ?? null,
    stated: statedFields(found),
  }
}

function problemOf(host: string, variables: Variables): string | undefined {
  const { ansible_connection: connection = 'ssh' } = variables
  if (!['ssh', 'smart', 'paramiko', 'ansible.builtin.ssh'].includes(connection)) {
    return `it is reached by ${connection}, not by SSH`
  }
  if (!isTargetName(host)) return 'a target is called by letters, digits, dot, underscore and hyphen only'
  const port = Number(portOf(variables) ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `there is no port ${portOf(variables)}`
  const template = ['ansible_host', 'ansible_user', 'ansible_port'].find((name) =>
    variables[name]?.includes('{{'),
  )
  if (template !== undefined) return `${template} is a template, which only Ansible can fill in`
  return undefined
}

function portOf({ ansible_port, ansible_ssh_port }: Variables): string | undefined {
  return ansible_port ?? ansible_ssh_port
}

/** The one jump host that the arguments for ssh name, when it is a name that can be a target's. */
function jumpOf({
  ansible_ssh_common_args = '',
  ansible_ssh_extra_args = '',
}: Variables): string | undefined {
  const text = `${ansible_ssh_common_args} ${ansible_ssh_extra_args}`
  const [, jump] = /(?:-J\s*|ProxyJump[=\s]+)(?:[^@\s"',]+@)?([^\s"',:]+)(?=[\s"':]|$)/.exec(text) ?? []
  return jump !== undefined && isTargetName(jump) ? jump.toLowerCase() : undefined
}

function withoutTag(groups: GroupTree): ImportRemark[] {
  return groups
    .names()
    .filter((group) => !isTag(group))
    .map((group) => ({ what: group, why: 'the name of this group can be no tag' }))
}
