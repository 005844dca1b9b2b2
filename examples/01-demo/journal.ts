import type { ChainVerification, JournalEntry, Page } from '@krown/core'
import { dim, green, heading, red } from './print.js'
import type { RestClient } from './rest-client.js'

/** Every entry that the story leaves, in order. */
const EXPECTED = [
  'organization.created',
  'instance.set_up',
  'login.succeeded',
  'session.opening',
  'host_key.pinned',
  'session.opened',
  ...Array.from({ length: 4 }, () => ['command.started', 'command.finished']).flat(),
]

/** Prints the journal so far and has it verified. @returns What was not as expected. */
export async function showJournal(api: RestClient): Promise<string[]> {
  heading('Journal: what was intended is written before it happens, what came of it after')
  const { items } = await api.get<Page<JournalEntry>>('/api/journal')
  const entries = items.toReversed()
  for (const entry of entries) printEntry(entry)
  const chain = await api.post<ChainVerification>('/api/journal/verify')
  const verdict = chain.ok ? green('verified') : red(`broken at ${chain.firstBreak?.seq}`)
  console.log(
    `  ${verdict}: a chain of ${chain.entries} entries, its head is ${chain.headHash.slice(0, 16)}…`,
  )
  return [
    ...(chain.ok && chain.entries === entries.length ? [] : ['the chain does not verify']),
    ...(`${entries.map(({ action }) => action)}` === `${EXPECTED}` ? [] : ['the journal has other entries']),
  ]
}

function printEntry({ seq, action, outcome, facts, details, hash }: JournalEntry): void {
  const what = details?.command ?? facts.status ?? facts.fingerprint ?? details?.host ?? ''
  const line = [`${seq}`.padStart(4), action.padEnd(22), outcome.padEnd(8), dim(hash.slice(0, 8)), ` ${what}`]
  console.log(line.join(' ').trimEnd())
}
