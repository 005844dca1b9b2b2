import type {
  HostKeyId,
  HostKeyMark,
  KnownHostKey,
  PinHostKeyInput,
  ProbedHostKey,
  RemoteKrownClient,
} from '@krown/sdk'
import { type Command, Option } from 'commander'
import { type Context, connect } from '../context.js'
import { EXIT } from '../exit-codes.js'
import type { Column } from '../output/table.js'
import { targetIdOf } from '../target/target-id.js'
import type { Run } from '../verb.js'
import { importKnownHosts } from './host-keys-import.js'
import { retrustTargets } from './host-keys-retrust.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { parsePort } from './option-values.js'

interface PlaceOptions {
  readonly port?: number
  readonly via?: string
}

interface PinOptions extends PlaceOptions {
  readonly type?: string
  readonly mine?: boolean
  readonly reason?: string
}

interface ReasonOptions {
  readonly reason: string
}

const MARKS = ['trusted', 'revoked', 'cert_authority'] as const satisfies readonly HostKeyMark[]
const FINGERPRINT = 'SHA256:…, as ssh-keygen -l prints it'
const REASON = 'why, for the journal'

export function addHostKeys(program: Command, run: Run): void {
  const keys = program.command('host-keys').description('which host keys are trusted')
  withListOptions(keys.command('ls').description('list known host keys'))
    .option('--host <host>', 'only those of this host')
    .addOption(new Option('--mark <mark>', 'only those').choices(MARKS))
    .action(run(list))
  addPinning(keys, run)
  addMarks(keys, run)
  withPlaceOptions(
    keys.command('probe').description('look at the key that a host shows; exit code 6 when it is not good'),
  ).action(run(probe))
  keys
    .command('import')
    .description('take over a known_hosts file')
    .argument('<file>', 'the file; - is standard input')
    .option('--dry-run', 'only say what would be done')
    .option('--reason <text>', REASON)
    .action(run(importKnownHosts))
  keys
    .command('retrust')
    .description('trust what targets show now, after they were rebuilt')
    .argument('<selector>', "which targets, as 'name:web* tag:prod'")
    .option('--dry-run', 'only say what would be done')
    .option('--reason <text>', REASON)
    .action(run(retrustTargets))
}

function addPinning(keys: Command, run: Run): void {
  const withPinOptions = (command: Command) =>
    withPlaceOptions(command)
      .argument('<fingerprint>', FINGERPRINT)
      .option('--type <type>', 'of the key, as ssh-ed25519')
      .option('--mine', 'for yourself, and not for the organization')
  withPinOptions(keys.command('pin').description('trust a key of a host'))
    .option('--reason <text>', REASON)
    .action(run(pin))
  withPinOptions(keys.command('replace').description('trust this key of a host, and no other any more'))
    .requiredOption('--reason <text>', REASON)
    .action(run(replace))
}

function addMarks(keys: Command, run: Run): void {
  keys
    .command('revoke')
    .description('refuse a key wherever the host shows it')
    .argument('<key>', 'id')
    .requiredOption('--reason <text>', REASON)
    .action(run(revoke))
  keys
    .command('trust')
    .description('trust a key again that was revoked')
    .argument('<key>', 'id')
    .requiredOption('--reason <text>', REASON)
    .action(run(trust))
  keys.command('rm').description('forget a key').argument('<key>', 'id').action(run(remove))
}

function withPlaceOptions(command: Command): Command {
  return command
    .argument('<host>', 'name or address')
    .option('-p, --port <port>', 'port of the host; default 22', parsePort)
    .option('--via <target>', 'the jump host before it: name or id of a target')
}

async function list(
  context: Context,
  _: [],
  options: ListOptions & { host?: string; mark?: HostKeyMark },
): Promise<undefined> {
  await using connection = await connect(context)
  const { host, mark } = options
  const page = await collectPages(
    (query) => connection.client.hostKeys.list({ ...query, host, mark }),
    options,
  )
  await printPage(context, page, COLUMNS)
}

const pin = (context: Context, args: [string, string], options: PinOptions) =>
  create(context, args, { ...options, replace: false })

const replace = (context: Context, args: [string, string], options: PinOptions) =>
  create(context, args, { ...options, replace: true })

async function create(
  context: Context,
  [host, fingerprint]: [string, string],
  options: PinOptions & { replace: boolean },
): Promise<undefined> {
  await using connection = await connect(context)
  const { type: algorithm, reason, mine } = options
  const input: PinHostKeyInput = {
    ...(await placeOf(connection.client, host, options)),
    fingerprint,
    algorithm,
    reason,
    ...(mine && { scope: 'user' }),
    ...(options.replace && { replace: true }),
  }
  await context.output.result(await connection.client.hostKeys.create(input), describe)
}

async function probe(context: Context, [host]: [string], options: PlaceOptions): Promise<number> {
  await using connection = await connect(context)
  const place = await placeOf(connection.client, host, options)
  const seen = await connection.client.hostKeys.probe(place)
  await context.output.result(seen, ({ fingerprint, algorithm }) => [
    `${fingerprint} (${algorithm})`,
    STANDINGS[seen.standing],
  ])
  return seen.standing === 'changed' || seen.standing === 'revoked' ? EXIT.conflict : EXIT.ok
}

const revoke = (context: Context, args: [HostKeyId], options: ReasonOptions) =>
  mark(context, args, { ...options, mark: 'revoked' })

const trust = (context: Context, args: [HostKeyId], options: ReasonOptions) =>
  mark(context, args, { ...options, mark: 'trusted' })

async function mark(
  context: Context,
  [id]: [HostKeyId],
  options: ReasonOptions & { mark: 'trusted' | 'revoked' },
): Promise<undefined> {
  await using connection = await connect(context)
  const key = await connection.client.hostKeys.update(id, { mark: options.mark, reason: options.reason })
  await context.output.result(key, describe)
}

async function remove(context: Context, [id]: [HostKeyId]): Promise<undefined> {
  await using connection = await connect(context)
  const key = await connection.client.hostKeys.delete(id)
  await context.output.result(key, () => `${key.fingerprint} of ${hostOf(key)} is forgotten`)
}

async function placeOf(client: RemoteKrownClient, host: string, { port, via }: PlaceOptions) {
  return { host, port, ...(via !== undefined && { viaTargetId: await targetIdOf(client, via) }) }
}

const STANDINGS: Readonly<Record<ProbedHostKey['standing'], string>> = {
  trusted: 'it is trusted',
  unknown: 'nothing is known of this host: compare the key with the host before you pin it',
  changed: 'other keys are pinned for this host: it was rebuilt, or somebody is in between',
  revoked: 'this key is revoked',
}

const hostOf = ({ host, port }: KnownHostKey) => (port === 22 || port === 0 ? host : `${host}:${port}`)

const describe = (key: KnownHostKey) => `${key.fingerprint} of ${hostOf(key)} (${key.id}) is ${key.mark}`

const COLUMNS: readonly Column<KnownHostKey>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'MARK', text: ({ mark }) => mark },
  { title: 'OF', text: ({ userId }) => (userId === null ? 'organization' : userId) },
  { title: 'FINGERPRINT', text: ({ fingerprint }) => fingerprint },
  { title: 'TYPE', text: ({ algorithm }) => algorithm },
  { title: 'SOURCE', text: ({ source }) => source },
  { title: 'HOST', text: hostOf, flexible: true },
]
