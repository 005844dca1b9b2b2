import { homedir, userInfo } from 'node:os'
import type { HostKeyImport, ImportedTarget, RemoteKrownClient } from '@krown/sdk'
import type { Command } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { planFromAnsible } from '../import/ansible-inventory.js'
import { findMissing, printImport } from '../import/import-report.js'
import { type ImportPlan, isTag, mergePlans } from '../import/planned-target.js'
import { sendPlan } from '../import/send-plan.js'
import { planFromSshConfig } from '../import/ssh-config.js'
import { Progress } from '../output/progress.js'
import { credentialIdOf } from '../target/credential-id.js'
import type { Run } from '../verb.js'
import { sendKnownHosts } from './host-keys-import.js'
import { collect } from './option-values.js'

interface ImportOptions {
  readonly sshConfig?: string
  readonly ansibleInventory?: string
  readonly knownHosts?: string
  readonly credential?: string
  readonly user?: string
  readonly tag?: string[]
  readonly dryRun?: boolean
}

export function addTargetsImport(targets: Command, run: Run): void {
  targets
    .command('import')
    .description('take over the machines of another inventory; connects to none of them')
    .option(
      '--ssh-config <file>',
      'hosts of an ssh_config file, such as ~/.ssh/config; nothing in it is executed',
    )
    .option('--ansible-inventory <file>', 'hosts of an Ansible inventory, INI or YAML; groups become tags')
    .option('--known-hosts <file>', 'their host keys, from a known_hosts file')
    .option('--credential <name>', 'for those that have none: name or id of a stored credential')
    .option('--user <name>', 'user name of new targets for which the file says none; default: yours here')
    .option('--tag <tag>', 'a tag for all of them; more than once, or with commas', collect)
    .option('--dry-run', 'show what would be done, and do nothing')
    .action(run(importTargets))
}

async function importTargets(context: Context, _: [], options: ImportOptions): Promise<number> {
  const plan = withTags(await planOf(options), options.tag ?? [])
  if (plan.targets.length === 0 && options.knownHosts === undefined) {
    for (const { what, why } of plan.remarks) await context.output.note(`${what}: ${why}`)
    throw usageError('there is nothing to import', 'give --ssh-config, --ansible-inventory or --known-hosts')
  }
  await using connection = await connect(context)
  const { client } = connection
  const parts = { context, client, options }
  const items = await sendTargets(parts, await withoutKnownJumpHosts(client, plan))
  const knownHosts = await sendKeys(parts)
  const { dryRun = false, credential } = options
  const given = { dryRun, credential: credential !== undefined, knownHosts: knownHosts !== undefined }
  const missing = await findMissing(client, items, given)
  await printImport(context.output, { plan, items, knownHosts, missing, dryRun })
  return items.some(({ outcome }) => outcome === 'refused') ? EXIT.failed : EXIT.ok
}

const usernameOf = ({ user }: ImportOptions): string => user ?? userInfo().username

async function planOf(options: ImportOptions): Promise<ImportPlan> {
  const { sshConfig, ansibleInventory } = options
  const username = usernameOf(options)
  const plans = [
    ...(sshConfig === undefined ? [] : [planFromSshConfig(sshConfig, { home: homedir(), username })]),
    ...(ansibleInventory === undefined ? [] : [await planFromAnsible(ansibleInventory, { username })]),
  ]
  return mergePlans(plans)
}

/** Of a jump host that the file only names, the inventory knows better where it is. */
async function withoutKnownJumpHosts(client: RemoteKrownClient, plan: ImportPlan): Promise<ImportPlan> {
  const known = new Set<string>()
  for (const { name } of plan.targets.filter(({ isOnlyNamed }) => isOnlyNamed)) {
    const { items } = await client.targets.list({ name, limit: 1 })
    if (items.length > 0) known.add(name)
  }
  return { ...plan, targets: plan.targets.filter(({ name }) => !known.has(name)) }
}

function withTags({ targets, remarks }: ImportPlan, tags: readonly string[]): ImportPlan {
  const wrong = tags.find((tag) => !isTag(tag))
  if (wrong !== undefined) throw usageError(`--tag ${wrong} is no tag`, 'letters, digits and . _ = / - only')
  return { remarks, targets: targets.map((target) => ({ ...target, tags: [...target.tags, ...tags] })) }
}

interface ImportParts {
  readonly context: Context
  readonly client: RemoteKrownClient
  readonly options: ImportOptions
}

async function sendTargets(
  { context: { io, output }, client, options }: ImportParts,
  { targets }: ImportPlan,
): Promise<ImportedTarget[]> {
  if (targets.length === 0) return []
  const { credential, dryRun = false } = options
  const credentialId = credential === undefined ? undefined : await credentialIdOf(client, credential)
  using progress = new Progress(io, { total: targets.length, json: output.json })
  return await sendPlan(client, targets, {
    username: usernameOf(options),
    credentialId,
    dryRun,
    onProgress: (done) => progress.show(done),
  })
}

async function sendKeys({ context, client, options }: ImportParts): Promise<HostKeyImport | undefined> {
  const { knownHosts: file, dryRun } = options
  return file === undefined ? undefined : sendKnownHosts(context, client, { file, dryRun })
}
