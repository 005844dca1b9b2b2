import type { RemoteKrownClient, Retrust, RetrustedTarget, TargetId } from '@krown/sdk'
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
  const ids = items.map(({ id }) => id)
  const answer = await retrustInParts(context, client, { ...options, ids })
  await print(context, answer)
  return answer.targets.some(({ outcome }) => outcome === 'failed') ? EXIT.target : EXIT.ok
}

async function print({ output }: Context, answer: Retrust): Promise<void> {
  if (output.json) return output.result(answer, () => '')
  await output.table({ items: answer.targets }, COLUMNS)
  await output.note(summary(answer))
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

function summary({ targets, dryRun }: Retrust): string {
  if (targets.length === 0) return 'no target is meant'
  const counts = new Map<string, number>()
  for (const { outcome } of targets) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const told = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')
  return dryRun ? `${told}; nothing was changed` : told
}

const COLUMNS: readonly Column<RetrustedTarget>[] = [
  { title: 'TARGET', text: ({ name }) => name },
  {
    title: 'OUTCOME',
    text: ({ outcome, errorCode }) => (errorCode === null ? outcome : `${outcome}: ${errorCode}`),
  },
  { title: 'KEY NOW', text: ({ fingerprint }) => fingerprint ?? '-' },
  { title: 'KEYS BEFORE', text: ({ before }) => before.join(' ') || '-', flexible: true },
]
