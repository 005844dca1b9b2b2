import type { RemoteKrownClient, Retrust, RetrustedTarget, Target, TargetId } from '@krown/sdk'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { Progress } from '../output/progress.js'
import type { Column } from '../output/table.js'
import { collectPages } from './list.js'

interface RetrustOptions {
  readonly dryRun?: boolean
  readonly reason?: string
}

/** Of one call: each may take as long as its slowest target. */
const TARGETS_AT_ONCE = 16
const MAX_TARGETS = 50_000
/** No way leads through more. */
const MAX_DEPTH = 8

export async function retrustTargets(
  context: Context,
  [selector]: [string],
  options: RetrustOptions,
): Promise<number> {
  if (options.reason === undefined && !options.dryRun)
    throw usageError('--reason is missing', '--dry-run shows what would be done, and needs none')
  await using connection = await connect(context)
  const { client } = connection
  const { items } = await collectPages((query) => client.targets.list({ ...query, selector }), {
    limit: MAX_TARGETS,
  })
  const ids = jumpHostsFirst(items).map(({ id }) => id)
  const answer = await retrustInParts(context, client, { ...options, ids })
  await print(context, answer)
  return answer.targets.some(({ outcome }) => outcome === 'failed') ? EXIT.target : EXIT.ok
}

/** What leads to others is trusted before they are looked at, also where they come in different calls. */
function jumpHostsFirst(targets: readonly Target[]): Target[] {
  const byId = new Map(targets.map((target) => [target.id, target]))
  const depthOf = ({ jumpTargetId }: Target, left = MAX_DEPTH): number => {
    const jump = jumpTargetId === null || left === 0 ? undefined : byId.get(jumpTargetId)
    return jump ? depthOf(jump, left - 1) + 1 : 0
  }
  return targets.toSorted((one, other) => depthOf(one) - depthOf(other))
}

async function print({ output }: Context, answer: Retrust): Promise<void> {
  if (output.json) return output.result(answer, () => '')
  await output.table({ items: answer.targets }, columns(answer.dryRun))
  for (const line of summary(answer)) await output.lines(line)
}

async function retrustInParts(
  { io, output }: Context,
  client: RemoteKrownClient,
  { ids, dryRun, reason }: RetrustOptions & { ids: readonly TargetId[] },
): Promise<Retrust> {
  using progress = new Progress(io, { total: ids.length, json: output.json })
  const targets: RetrustedTarget[] = []
  for (let from = 0; from < ids.length; from += TARGETS_AT_ONCE) {
    progress.show(from)
    const targetIds = ids.slice(from, from + TARGETS_AT_ONCE)
    targets.push(...(await client.hostKeys.retrust({ targetIds, dryRun, reason })).targets)
  }
  return { dryRun: dryRun ?? false, targets }
}

function summary({ targets, dryRun }: Retrust): string[] {
  if (targets.length === 0) return ['no target is meant']
  const counts = new Map<RetrustedTarget['outcome'], number>()
  for (const { outcome } of targets) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const told = [...counts].map(([outcome, count]) => `${count} ${wordFor(outcome, dryRun)}`).join(', ')
  if (!dryRun) return [told]
  const isWorth = counts.has('pinned') || counts.has('replaced')
  const next = "compare what matters with the machines; then the same with --reason '…' in place of --dry-run"
  return [told, 'nothing was changed', ...(isWorth ? [next] : [])]
}

const wordFor = (outcome: RetrustedTarget['outcome'], dryRun: boolean) =>
  dryRun && (outcome === 'pinned' || outcome === 'replaced') ? `would be ${outcome}` : outcome

const columns = (dryRun: boolean): readonly Column<RetrustedTarget>[] => [
  { title: 'TARGET', text: ({ name }) => name },
  {
    title: 'OUTCOME',
    text: ({ outcome, errorCode }) =>
      errorCode === null ? wordFor(outcome, dryRun) : `${outcome}: ${errorCode}`,
  },
  { title: 'KEY NOW', text: ({ fingerprint }) => fingerprint ?? '-' },
  { title: 'KEYS BEFORE', text: ({ before }) => before.join(' ') || '-', flexible: true },
]
