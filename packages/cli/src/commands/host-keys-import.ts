import { readFile } from 'node:fs/promises'
import type { HostKeyImport, ImportedHostKeyLine, RemoteKrownClient } from '@krown/sdk'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { partsOf } from '../import/known-hosts-parts.js'
import { Progress } from '../output/progress.js'
import type { Column } from '../output/table.js'

interface ImportOptions {
  readonly dryRun?: boolean
  readonly reason?: string
}

const MAX_FILE_BYTES = 64 * 1024 * 1024

export async function importKnownHosts(
  context: Context,
  [file]: [string],
  options: ImportOptions,
): Promise<undefined> {
  await using connection = await connect(context)
  const whole = await sendKnownHosts(context, connection.client, { file, ...options })
  if (context.output.json) return void (await context.output.result(whole, () => ''))
  const shown = options.dryRun
    ? whole.lines
    : whole.lines.filter(({ outcome }) => outcome === 'skipped' || outcome === 'conflict')
  if (shown.length > 0) await context.output.table({ items: shown }, columns(whole.dryRun))
  await context.output.lines(describeKnownHosts(whole))
  if (options.dryRun) await context.output.lines('nothing was changed')
  if (whole.counts.conflict > 0)
    await context.output.note('of a conflict you decide: krown host-keys replace HOST FINGERPRINT --reason …')
}

/** Sends a known_hosts file in as many calls as it takes. */
export async function sendKnownHosts(
  context: Context,
  client: RemoteKrownClient,
  { file, dryRun, reason }: ImportOptions & { file: string },
): Promise<HostKeyImport> {
  const { io, output } = context
  const parts = partsOf(await readText(context, file))
  using progress = new Progress(io, { total: parts.length, json: output.json })
  const answers: HostKeyImport[] = []
  for (const [done, part] of parts.entries()) {
    progress.show(done)
    const answer = await client.hostKeys.import({ text: part.text, dryRun, reason })
    answers.push({
      ...answer,
      lines: answer.lines.map((line) => ({ ...line, line: line.line + part.before })),
    })
  }
  return merge(answers, dryRun ?? false)
}

function merge(answers: readonly HostKeyImport[], dryRun: boolean): HostKeyImport {
  const counts = { pinned: 0, known: 0, revoked: 0, kept: 0, pattern: 0, conflict: 0, skipped: 0 }
  for (const answer of answers)
    for (const outcome of Object.keys(counts) as (keyof typeof counts)[])
      counts[outcome] += answer.counts[outcome]
  return { dryRun, counts, lines: answers.flatMap(({ lines }) => lines) }
}

async function readText({ io }: Context, file: string): Promise<string> {
  const bytes = file === '-' ? await readStandardInput(io.stdin) : await readFile(file)
  if (bytes.length > MAX_FILE_BYTES) throw usageError(`${file} is too large for a known_hosts file`)
  return bytes.toString('utf8')
}

async function readStandardInput(stdin: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stdin) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_FILE_BYTES) break
  }
  return Buffer.concat(chunks)
}

/** `3 pinned, 1 known`; of a dry run `3 would be pinned, 1 known`. */
export function describeKnownHosts({ counts, dryRun }: HostKeyImport): string {
  const told = Object.entries(counts).filter(([, count]) => count > 0)
  const words = told.map(([outcome, count]) => `${count} ${wordFor(outcome, dryRun)}`)
  return words.join(', ') || 'nothing to import'
}

const WOULD: Readonly<Record<string, string>> = {
  pinned: 'would be pinned',
  revoked: 'would be revoked',
  kept: 'would be kept',
  pattern: 'would be kept as pattern',
  skipped: 'would be skipped',
}

const wordFor = (outcome: string, dryRun: boolean) => (dryRun ? WOULD[outcome] : undefined) ?? outcome

const columns = (dryRun: boolean): readonly Column<ImportedHostKeyLine>[] => [
  { title: 'LINE', text: ({ line }) => String(line) },
  { title: 'OUTCOME', text: ({ outcome }) => wordFor(outcome, dryRun) },
  { title: 'KEY', text: ({ fingerprint }) => fingerprint ?? '-', secondary: true },
  { title: 'WHY', text: ({ reason }) => reason ?? '-' },
  { title: 'HOST', text: ({ host }) => host, flexible: true },
]
