import type { HostKeyImport, ImportedTarget, ImportOutcome, RemoteKrownClient, Target } from '@krown/sdk'
import { describeKnownHosts } from '../commands/host-keys-import.js'
import { collectPages } from '../commands/list.js'
import { loginAddressOf } from '../output/address.js'
import type { Output } from '../output/output.js'
import type { Column } from '../output/table.js'
import { visible } from '../output/visible.js'
import type { ImportPlan, PlannedTarget } from './planned-target.js'

/** What came of an import, or would come of it. */
export interface ImportReport {
  readonly plan: ImportPlan
  readonly items: readonly ImportedTarget[]
  readonly knownHosts: HostKeyImport | undefined
  readonly missing: Missing
  readonly dryRun: boolean
}

/** Names of targets to which nobody can open a session yet, or only with a credential of their own. */
export interface Missing {
  readonly credential: readonly string[]
  readonly hostKey: readonly string[]
}

const MAX_TARGETS = 50_000
/** More are counted, and not named. */
const MAX_NAMED = 5

/** What targets of an import lack after it; of a dry run what those lack that it would make. */
export async function findMissing(
  client: RemoteKrownClient,
  items: readonly ImportedTarget[],
  given: { readonly dryRun: boolean; readonly credential: boolean; readonly knownHosts: boolean },
): Promise<Missing> {
  const made = items.filter(({ outcome }) => outcome === 'created').map(({ name }) => name)
  if (given.dryRun) return { credential: given.credential ? [] : made, hostKey: given.knownHosts ? [] : made }
  const ids = new Set(items.map(({ targetId }) => targetId))
  if (ids.size === 0) return { credential: [], hostKey: [] }
  const list = await collectPages((query) => client.targets.list(query), { limit: MAX_TARGETS })
  const targets = list.items.filter(({ id }) => ids.has(id))
  return {
    credential: namesOf(targets, ({ credentialId }) => credentialId === null),
    hostKey: namesOf(targets, ({ hostKeyFingerprints }) => hostKeyFingerprints.length === 0),
  }
}

const namesOf = (targets: readonly Target[], lacks: (target: Target) => boolean): string[] =>
  targets
    .filter(lacks)
    .map(({ name }) => name)
    .sort()

export async function printImport(output: Output, report: ImportReport): Promise<void> {
  const { plan, items, knownHosts, missing, dryRun } = report
  if (output.json) {
    const document = { dryRun, items, remarks: plan.remarks, missing, ...(knownHosts && { knownHosts }) }
    return output.result(document, () => '')
  }
  const rows = rowsOf(report)
  if (rows.length > 0) await output.table({ items: rows }, COLUMNS)
  const counts = [
    ...(items.length > 0 ? [`targets: ${countsOf(report)}`] : []),
    ...(knownHosts === undefined ? [] : [`known_hosts: ${describeKnownHosts(knownHosts)}`]),
    ...(dryRun ? ['nothing was changed'] : []),
  ]
  const next = items.length === 0 ? [] : nextSteps(report)
  for (const line of [...counts, ...next]) await output.lines(visible(line))
}

interface Row {
  readonly name: string
  readonly outcome: string
  readonly address: string
  readonly through: string
  readonly tags: string
  readonly what: string
}

/** What happens, then what of the files is left out; what stays as it is only where somebody wants to see it all. */
function rowsOf({ plan, items, dryRun }: ImportReport): Row[] {
  const byName = new Map(plan.targets.map((target) => [target.name, target]))
  const shown = dryRun ? items : items.filter(({ outcome }) => outcome !== 'unchanged')
  return [
    ...shown.map(({ name, outcome, changed, reason }) => ({
      name,
      outcome: wordFor(outcome, dryRun),
      ...shownOf(byName.get(name), outcome),
      what: reason ?? (changed.map((field) => FIELDS[field] ?? field).join(', ') || '-'),
    })),
    ...plan.remarks.map(({ what, why }) => ({
      name: what,
      outcome: 'left out',
      ...NOTHING,
      what: why,
    })),
  ]
}

const NOTHING = { address: '-', through: '-', tags: '-' }

/** A new target is all that was planned; of one that is there the file says only a part. */
function shownOf(target: PlannedTarget | undefined, outcome: ImportOutcome) {
  if (target === undefined) return NOTHING
  const isThere = outcome === 'updated' || outcome === 'unchanged'
  return {
    address: isThere ? statedAddressOf(target) : loginAddressOf(target),
    through: (isThere && !target.stated.includes('jump') ? null : target.jump) ?? '-',
    tags: target.tags.join(' ') || '-',
  }
}

function statedAddressOf(target: PlannedTarget): string {
  const [host, port, username] = (['host', 'port', 'username'] as const).map((field) =>
    target.stated.includes(field) ? target[field] : undefined,
  )
  const place = host === undefined && port === undefined ? '' : `${host ?? '…'}${port ? `:${port}` : ''}`
  return username === undefined ? place || '-' : `${username}@${place || '…'}`
}

/** As people say for them. */
const FIELDS: Readonly<Record<string, string>> = {
  username: 'user name',
  jumpTargetId: 'jump host',
  credentialId: 'credential',
}

function wordFor(outcome: ImportOutcome, dryRun: boolean): string {
  if (!dryRun || outcome === 'unchanged') return outcome
  return `would be ${outcome}`
}

function countsOf({ items, dryRun }: ImportReport): string {
  return (['created', 'updated', 'unchanged', 'refused'] as const)
    .map((outcome) => [items.filter((item) => item.outcome === outcome).length, outcome] as const)
    .filter(([count]) => count > 0)
    .map(([count, outcome]) => `${count} ${wordFor(outcome, dryRun)}`)
    .join(', ')
}

/** What is still to be done before commands run there. */
function nextSteps({ missing, dryRun }: ImportReport): string[] {
  const { credential, hostKey } = missing
  const verbOf = ({ length }: readonly string[]) => (dryRun ? 'would have' : length === 1 ? 'has' : 'have')
  return [
    ...(credential.length === 0
      ? []
      : [
          `${credential.length} ${verbOf(credential)} no credential: ${few(credential)}`,
          dryRun
            ? '  give them one: --credential NAME, stored with "krown credentials create"'
            : `  krown targets update ${credential[0]} --credential NAME; for all of them import again with --credential NAME`,
        ]),
    ...(hostKey.length === 0
      ? []
      : [
          `${hostKey.length} ${verbOf(hostKey)} no known host key: ${few(hostKey)}`,
          dryRun
            ? '  take theirs over: --known-hosts ~/.ssh/known_hosts; or look at them after the import'
            : `  krown host-keys retrust '${selectorOf(hostKey)}' --dry-run`,
        ]),
  ]
}

const few = (names: readonly string[]): string =>
  [...names.slice(0, MAX_NAMED), ...(names.length > MAX_NAMED ? ['…'] : [])].join(' ')

/** Those and no others while they are few. */
const selectorOf = (names: readonly string[]): string =>
  names.length > MAX_NAMED ? '*' : names.map((name) => `name:${name}`).join(' or ')

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', text: ({ name }) => name },
  { title: 'OUTCOME', text: ({ outcome }) => outcome },
  { title: 'ADDRESS', text: ({ address }) => address },
  { title: 'THROUGH', text: ({ through }) => through },
  { title: 'TAGS', text: ({ tags }) => tags },
  { title: 'WHAT', text: ({ what }) => what, flexible: true },
]
