import type { ChainVerification, JournalEntry, JournalOutcome, JournalQuery } from '@krown/sdk'
import { type Command, Option } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { EXIT } from '../exit-codes.js'
import type { Column } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { visible } from '../output/visible.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'
import { parseSequence } from './option-values.js'

const OUTCOMES = ['success', 'denied', 'failure'] as const satisfies readonly JournalOutcome[]
const FILTERS = ['action', 'outcome', 'search'] as const

interface JournalOptions extends ListOptions, Pick<JournalQuery, (typeof FILTERS)[number]> {
  readonly follow?: boolean
  readonly after?: number
}

export function addJournal(program: Command, run: Run): void {
  const journal = program.command('journal').description('what happened, as a chain that can be verified')
  withListOptions(journal.command('ls').description('list entries, or follow them'))
    .option('--action <action>', 'only those, as session.opened')
    .addOption(new Option('--outcome <outcome>', 'only those').choices(OUTCOMES))
    .option('--search <text>', 'only those with this in their action or details, any case')
    .option('-f, --follow', 'print entries as they are written, until Ctrl-C')
    .option('--after <number>', 'with --follow: begin after this entry; 0: with the first', parseSequence)
    .action(run(list))
  journal
    .command('verify')
    .description('recompute the whole chain; exits with 1 when it is broken')
    .action(run(verify))
}

async function list(context: Context, _: [], options: JournalOptions): Promise<undefined> {
  if (options.follow) return follow(context, options)
  if (options.after !== undefined) throw usageError('--after needs --follow')
  await using connection = await connect(context)
  const { action, outcome, search } = options
  const page = await collectPages(
    (query) => connection.client.journal.list({ ...query, action, outcome, search }),
    options,
  )
  await printPage(context, page, COLUMNS)
}

async function follow(context: Context, options: JournalOptions): Promise<undefined> {
  const filter = FILTERS.find((name) => options[name] !== undefined)
  if (filter) throw usageError(`--follow shows every entry: leave --${filter} out`)
  await using connection = await connect(context)
  const entries = connection.client.journal.follow({ after: options.after })
  for await (const entry of entries) await context.output.item(entry, formatLine)
}

async function verify(context: Context): Promise<number> {
  await using connection = await connect(context)
  const verification = await connection.client.journal.verify()
  await context.output.result(verification, formatVerification)
  return verification.ok ? EXIT.ok : EXIT.failed
}

function formatVerification({
  ok,
  entries,
  erased,
  headSeq,
  headHash,
  firstBreak,
}: ChainVerification): string {
  if (!ok) return `BROKEN at entry ${firstBreak?.seq ?? '?'}: ${firstBreak?.kind ?? 'unknown'}`
  const without = erased === 0 ? '' : `, ${erased} of them erased`
  return `verified: ${entries} entries${without}; the last is ${headSeq} with hash ${headHash}`
}

function formatLine(entry: JournalEntry): string {
  return COLUMNS.map(({ text }) => visible(text(entry))).join('  ')
}

/** Ids are left out where the entry has a name for them. */
const NAME_OF: Readonly<Record<string, string>> = { targetId: 'target', subject: 'subjectName' }

/** Facts and details by name; those that are objects themselves as JSON. */
function factsOf({ facts, details }: JournalEntry): string {
  const { username: _, ...others } = { ...details, ...facts }
  return Object.entries(others)
    .filter(([name, value]) => value !== null && !((NAME_OF[name] ?? '') in others))
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' ')
}

/** By its name where the entry has it, else by its id; with what it is. */
function resourceOf({ resourceKind, resourceId, details }: JournalEntry): string {
  if (resourceId === null) return '-'
  const name = details?.[resourceKind ?? '']
  return `${resourceKind} ${typeof name === 'string' ? name : resourceId}`
}

function actorOf({ details, actorKind, actorUserId }: JournalEntry): string {
  return typeof details?.username === 'string' ? details.username : (actorUserId ?? actorKind)
}

const COLUMNS: readonly Column<JournalEntry>[] = [
  { title: 'NO', text: ({ seq }) => String(seq) },
  { title: 'AT', text: ({ at }) => formatTime(at) },
  { title: 'WHO', text: actorOf },
  { title: 'ACTION', text: ({ action }) => action },
  { title: 'OUTCOME', text: ({ outcome }) => outcome, secondary: true },
  { title: 'RESOURCE', text: resourceOf, secondary: true },
  { title: 'FACTS', text: factsOf, flexible: true },
]
