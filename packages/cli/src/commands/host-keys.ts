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
import { addressOf } from '../output/address.js'
import { hintingAtHostKey } from '../output/host-key-hint.js'
import { type Column, formatFields } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { type KeyPlace, keyPlaceOf, listedHostOf, type PlaceOptions } from '../target/key-place.js'
import type { Run } from '../verb.js'
import { importKnownHosts } from './host-keys-import.js'
import { retrustTargets } from './host-keys-retrust.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { parsePort } from './option-values.js'

interface PinOptions extends PlaceOptions {
  readonly type?: string
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
    .option('--host <host>', 'only those of this target, or else host')
    .addOption(new Option('--mark <mark>', 'only those').choices(MARKS))
    .action(run(list))
  keys
    .command('show')
    .description('everything about a key: who put it there, when and why')
    .argument('<key>', 'id')
    .action(run(show))
  addPinning(keys, run)
  addMarks(keys, run)
  withPlaceOptions(
    keys
      .command('probe')
      .description('look at the key that a target or host shows; exit code 6 when it is not good'),
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
      .option('--mine', 'for yourself, and not for the organization; of hosts that are no targets')
  withPinOptions(keys.command('pin').description('trust a key of a target or host'))
    .option('--reason <text>', REASON)
    .action(run(pin))
  withPinOptions(
    keys.command('replace').description('trust this key of a target or host, and no other any more'),
  )
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
    .argument('<target>', 'name of a target, or else a host')
    .option('-p, --port <port>', 'port of the host; default 22; a target has its own', parsePort)
    .option('--via <target>', 'the jump host before the host: name or id of a target')
}

async function list(
  context: Context,
  _: [],
  options: ListOptions & { host?: string; mark?: HostKeyMark },
): Promise<undefined> {
  await using connection = await connect(context)
  const { mark } = options
  const host = await listedHostOf(connection.client, options.host)
  const page = await collectPages(
    (query) => connection.client.hostKeys.list({ ...query, host, mark }),
    options,
  )
  await printPage(context, page, COLUMNS)
}

async function show(context: Context, [id]: [HostKeyId]): Promise<undefined> {
  await using connection = await connect(context)
  const { client } = connection
  const key = await client.hostKeys.get(id)
  const by = await nameOf(client, key)
  await context.output.result(key, () => formatKey(key, by))
}

/** Who may see keys need not be able to see users. */
const nameOf = ({ users }: RemoteKrownClient, { pinnedBy }: KnownHostKey): Promise<string> =>
  users.get(pinnedBy).then(
    ({ username }) => username,
    () => pinnedBy,
  )

function formatKey(key: KnownHostKey, by: string): string[] {
  return formatFields([
    ['host', hostOf(key)],
    ['through', key.viaTargetName ?? key.viaTargetId],
    ['for', scopeOf(key)],
    ['fingerprint', key.fingerprint],
    ['type', key.algorithm],
    ['mark', key.mark],
    ['source', key.source],
    ['by', by],
    ['reason', key.reason],
    ['since', formatTime(key.createdAt)],
    ['id', key.id],
  ])
}

const pin = (context: Context, args: [string, string], options: PinOptions) =>
  create(context, args, { ...options, replace: false })

const replace = (context: Context, args: [string, string], options: PinOptions) =>
  create(context, args, { ...options, replace: true })

async function create(
  context: Context,
  [text, fingerprint]: [string, string],
  options: PinOptions & { replace: boolean },
): Promise<undefined> {
  await using connection = await connect(context)
  const { type: algorithm, reason, mine } = options
  const place = await keyPlaceOf(connection.client, text, options)
  const input: PinHostKeyInput = {
    ...place.input,
    fingerprint,
    algorithm,
    reason,
    ...(mine && { scope: 'user' }),
    ...(options.replace && { replace: true }),
  }
  const key = await connection.client.hostKeys.create(input)
  await context.output.result(key, () => describe(key, place.targetName))
}

async function probe(context: Context, [text]: [string], options: PlaceOptions): Promise<number> {
  await using connection = await connect(context)
  const { client } = connection
  const place = await keyPlaceOf(client, text, options)
  const seen = await hintingAtHostKey({ words: place.words, isTarget: true }, () =>
    client.hostKeys.probe(place.input),
  )
  await context.output.result(seen, () => formatProbed(seen, place))
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
  await context.output.result(key, () => describe(key))
}

async function remove(context: Context, [id]: [HostKeyId]): Promise<undefined> {
  await using connection = await connect(context)
  const key = await connection.client.hostKeys.delete(id)
  await context.output.result(key, () => `${key.fingerprint} of ${hostOf(key)}${wayTo(key)} is forgotten`)
}

function formatProbed({ fingerprint, algorithm, standing }: ProbedHostKey, { words }: KeyPlace): string[] {
  const key = `${words} ${fingerprint} --type ${algorithm}`
  const next: Readonly<Record<ProbedHostKey['standing'], readonly string[]>> = {
    trusted: ['it is trusted'],
    unknown: [
      'nothing is known of this host; compare the key with the machine, then pin it:',
      `  krown host-keys pin ${key} --reason 'compared with the machine'`,
    ],
    changed: [
      'other keys are pinned for this host: it was rebuilt, or somebody is in between; if it was rebuilt:',
      `  krown host-keys replace ${key} --reason 'rebuilt'`,
    ],
    revoked: ['this key is revoked'],
  }
  return [`${fingerprint} (${algorithm})`, ...next[standing]]
}

const hostOf = ({ host, port }: KnownHostKey) => addressOf({ host, port })

const wayTo = ({ viaTargetId, viaTargetName }: KnownHostKey) =>
  viaTargetId === null ? '' : ` through ${viaTargetName ?? viaTargetId}`

function describe(key: KnownHostKey, targetName?: string): string {
  const of = targetName === undefined ? `host ${hostOf(key)}` : `target ${targetName}, ${hostOf(key)}`
  return `${key.fingerprint} of ${of}${wayTo(key)} is ${key.mark} (${key.id})`
}

const scopeOf = ({ userId, ownerName }: KnownHostKey) =>
  userId === null ? 'everybody' : (ownerName ?? userId)

const COLUMNS: readonly Column<KnownHostKey>[] = [
  { title: 'HOST', text: hostOf, flexible: true },
  { title: 'MARK', text: ({ mark }) => mark },
  { title: 'FOR', text: scopeOf },
  { title: 'FINGERPRINT', text: ({ fingerprint }) => fingerprint, secondary: true },
  { title: 'TYPE', text: ({ algorithm }) => algorithm, secondary: true },
  { title: 'SOURCE', text: ({ source }) => source, secondary: true },
  { title: 'THROUGH', text: ({ viaTargetId, viaTargetName }) => viaTargetName ?? viaTargetId ?? '-' },
  { title: 'SINCE', text: ({ createdAt }) => formatTime(createdAt), secondary: true },
  { title: 'REASON', text: ({ reason }) => reason ?? '-', secondary: true },
  { title: 'ID', text: ({ id }) => id },
]
