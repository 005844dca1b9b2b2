import type { CreateTargetInput, Target, TargetQuery, UpdateTargetInput } from '@krown/sdk'
import type { Command } from 'commander'
import { usageError } from '../cli-error.js'
import { type Connection, type Context, connect } from '../context.js'
import { loginAddressOf } from '../output/address.js'
import { hintingAtHostKey, wordsOf } from '../output/host-key-hint.js'
import { type Column, formatFields } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { credentialIdOf } from '../target/credential-id.js'
import { getTarget } from '../target/find-target.js'
import { parseTarget } from '../target/target.js'
import { targetIdOf } from '../target/target-id.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { collect, parsePort } from './option-values.js'
import { addTargetsImport } from './targets-import.js'

/** False where `--no-…` was given. */
interface ChangeOptions {
  readonly port?: number
  readonly credential?: string | false
  readonly jump?: string | false
  readonly tag?: string[] | false
  readonly description?: string | false
  readonly legacyAlgorithms?: boolean
}

interface CreateOptions extends ChangeOptions {
  readonly hostKey?: string
  readonly probe: boolean
}

interface UpdateOptions extends ChangeOptions {
  readonly name?: string
  readonly host?: string
  readonly user?: string
}

export function addTargets(program: Command, run: Run): void {
  const targets = program.command('targets').description('the inventory: machines that are known by name')
  withListOptions(targets.command('ls').description('list the targets that you may see'))
    .option('--search <text>', 'only those with that in name, host or description')
    .option('--selector <selector>', 'only those: "name:web* tag:prod and not tag:db"')
    .action(run(list))
  targets
    .command('show')
    .description('everything about a target')
    .argument('<target>', 'name or id')
    .action(run(show))
  addCreate(targets, run)
  addUpdate(targets, run)
  targets
    .command('rm')
    .description('delete a target, which ends its sessions')
    .argument('<target>', 'name or id')
    .action(run(remove))
  addTargetsImport(targets, run)
}

function addCreate(targets: Command, run: Run): void {
  const create = targets
    .command('create')
    .description('add a machine; its host key is fetched and pinned')
    .argument('<name>', 'what it is called')
    .argument('<host>', '[user@]host')
  withFieldOptions(create)
    .option('--host-key <fingerprint>', 'pin this host key and no other: SHA256:…')
    .option('--no-probe', 'connect to nothing')
    .action(run(createTarget))
}

function addUpdate(targets: Command, run: Run): void {
  const update = targets
    .command('update')
    .description('change a target; what is not given stays')
    .argument('<target>', 'name or id')
    .option('--name <name>', 'its new name')
    .option('--host <host>', 'where it is now; its host key is then unknown')
    .option('--user <name>', 'user name there')
  withFieldOptions(update)
    .option('--no-credential', 'who opens a session brings one')
    .option('--no-jump', 'it is dialled directly')
    .option('--no-tag', 'take all tags away')
    .option('--no-description', 'take the description away')
    .option('--no-legacy-algorithms', 'offer safe algorithms only')
    .action(run(updateTarget))
}

const TAGS = 'its tags: these and no others; more than once, or with commas'

function withFieldOptions(command: Command): Command {
  return command
    .option('-p, --port <port>', 'port of its SSH server; default 22', parsePort)
    .option('--credential <name>', 'sign in with this stored credential; name or id')
    .option('--jump <target>', 'reach it through this target; name or id')
    .option('--tag <tag>', TAGS, collectTags)
    .option('--description <text>', 'for people')
    .option('--legacy-algorithms', 'also offer algorithms that are no longer safe')
}

// The value before is false where Commander knows a --no-tag.
function collectTags(text: string, before: readonly string[] | boolean | undefined): string[] {
  return collect(text, Array.isArray(before) ? before : [])
}

async function list(context: Context, _: [], options: ListOptions & TargetQuery): Promise<undefined> {
  await using connection = await connect(context)
  const { search, selector } = options
  const filters = { ...(search !== undefined && { search }), ...(selector !== undefined && { selector }) }
  const page = await collectPages(
    (query) => connection.client.targets.list({ ...query, ...filters }),
    options,
  )
  await printPage(context, page, COLUMNS)
}

async function show(context: Context, [nameOrId]: [string]): Promise<undefined> {
  await using connection = await connect(context)
  await context.output.result(await getTarget(connection.client, nameOrId), formatTarget)
}

async function createTarget(
  context: Context,
  [name, destination]: [string, string],
  options: CreateOptions,
): Promise<undefined> {
  await using connection = await connect(context)
  const { hostKey, probe } = options
  const input: CreateTargetInput = {
    name,
    ...parseTarget(destination),
    ...(await fieldsOf(connection, options)),
    ...(hostKey !== undefined && { hostKeyFingerprint: hostKey }),
    ...(!probe && { probe }),
  }
  const words = wordsOf(input.host, options.port, options.jump || undefined)
  const target = await hintingAtHostKey({ words, isTarget: true }, () =>
    connection.client.targets.create(input),
  )
  await context.output.result(target, describeNew)
}

async function updateTarget(
  context: Context,
  [nameOrId]: [string],
  options: UpdateOptions,
): Promise<undefined> {
  await using connection = await connect(context)
  const { name, host, user } = options
  const change: UpdateTargetInput = {
    ...(name !== undefined && { name }),
    ...(host !== undefined && { host }),
    ...(user !== undefined && { username: user }),
    ...(await fieldsOf(connection, options)),
  }
  if (Object.keys(change).length === 0) throw usageError('nothing is to be changed', 'see --help')
  const id = await targetIdOf(connection.client, nameOrId)
  const target = await connection.client.targets.update(id, change)
  await context.output.result(target, describeNew)
}

async function remove(context: Context, [nameOrId]: [string]): Promise<undefined> {
  await using connection = await connect(context)
  const id = await targetIdOf(connection.client, nameOrId)
  const target = await connection.client.targets.delete(id)
  await context.output.result(target, ({ name }) => `${name} (${id}) is deleted`)
}

async function fieldsOf({ client }: Connection, options: ChangeOptions): Promise<UpdateTargetInput> {
  const { port, credential, jump, tag, description, legacyAlgorithms } = options
  return {
    ...(port !== undefined && { port }),
    ...(credential !== undefined && {
      credentialId: credential === false ? null : await credentialIdOf(client, credential),
    }),
    ...(jump !== undefined && { jumpTargetId: jump === false ? null : await targetIdOf(client, jump) }),
    ...(tag !== undefined && { tags: tag === false ? [] : tag }),
    ...(description !== undefined && { description: description === false ? null : description }),
    ...(legacyAlgorithms !== undefined && { legacyAlgorithms }),
  }
}

function describeNew(target: Target): string[] {
  const { name, id, hostKeyFingerprints: keys } = target
  const where = `${name} (${id}) is ${loginAddressOf(target)}`
  if (keys.length > 0) return [`${where}, host key ${keys.join(', ')}`]
  const next = `krown host-keys retrust name:${name} --reason 'first look'`
  return [`${where}, no host key is pinned; to pin the one that it shows now:`, `  ${next}`]
}

const jumpOf = ({ jumpTargetId, jumpTargetName }: Target) => jumpTargetName ?? jumpTargetId ?? '-'
const credentialOf = ({ credentialId, credentialName }: Target) => credentialName ?? credentialId ?? '-'

const COLUMNS: readonly Column<Target>[] = [
  { title: 'NAME', text: ({ name }) => name },
  { title: 'ADDRESS', text: loginAddressOf },
  { title: 'THROUGH', text: jumpOf },
  { title: 'CREDENTIAL', text: credentialOf },
  { title: 'TAGS', text: ({ tags }) => tags.join(' '), flexible: true },
  { title: 'HOST KEY', text: ({ hostKeyFingerprints: keys }) => (keys.length > 0 ? 'pinned' : 'unknown') },
]

function formatTarget(target: Target): string[] {
  return formatFields([
    ['id', target.id],
    ['name', target.name],
    ['address', loginAddressOf(target)],
    ['tags', target.tags.join(' ') || null],
    ['credential', credentialOf(target)],
    ['through', jumpOf(target)],
    ['legacy algorithms', target.legacyAlgorithms ? 'offered' : null],
    ['description', target.description],
    ['host keys', target.hostKeyFingerprints.join(' ') || null],
    ['created', formatTime(target.createdAt)],
    ['updated', formatTime(target.updatedAt)],
  ])
}
