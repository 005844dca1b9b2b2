import type { JournalEntry, SessionEvent, SessionEventsQuery } from '@krown/core/model'
import { notUnderstood } from '../errors/problem.js'
import type { FeedSource } from './feed.js'

const KNOWN_EVENTS: Readonly<Record<SessionEvent['type'], true>> = {
  session_status: true,
  command_started: true,
  command_output: true,
  command_finished: true,
  gap: true,
}

type EventFeedSource = FeedSource<SessionEvent, SessionEvent>

/** What `sessions.events` asks for. */
export function eventSource(query: SessionEventsQuery): EventFeedSource {
  return query.sessionId === undefined ? everythingSource(query) : sessionSource(query)
}

// A newer server may say more than this SDK knows.
function isKnown(event: SessionEvent): boolean {
  const { type } = event
  if (typeof type !== 'string') throw notUnderstood()
  if (type === 'command_output' && typeof event.data !== 'string') throw notUnderstood()
  return Object.hasOwn(KNOWN_EVENTS, type)
}

const sizeOf = (event: SessionEvent) => (event.type === 'command_output' ? event.data.length : 0) + 512

/** The events of one session: each has a number after which to go on. */
function sessionSource(query: SessionEventsQuery): EventFeedSource {
  let { after } = query
  return {
    sizeOf,
    open: (trpc, observer) => trpc.sessions.events.subscribe({ ...query, after }, observer),
    accept: (event) => {
      after = placeOf(event)
      return isKnown(event) ? [event] : []
    },
  }
}

/** The events of everything: nobody knows what was missed while the connection was away. */
function everythingSource(query: SessionEventsQuery): EventFeedSource {
  let told = false
  const tell = (event: SessionEvent) => {
    const again = told
    told = event.type === 'gap'
    return again && told ? [] : [event]
  }
  return {
    sizeOf,
    open: (trpc, observer) => trpc.sessions.events.subscribe(query, observer),
    accept: (event) => (isKnown(event) ? tell(event) : []),
    missed: () => tell({ type: 'gap', sessionId: null, seq: 0, fromSeq: 0, toSeq: 0 }),
  }
}

/** The entries after `after`. */
export function journalSource(query: { after?: number | undefined }): FeedSource<JournalEntry, JournalEntry> {
  let { after } = query
  return {
    open: (trpc, observer) => trpc.journal.follow.subscribe({ ...query, after }, observer),
    accept: (entry) => {
      const seq = placeOf(entry)
      if (after !== undefined && seq <= after) return []
      after = seq
      return [entry]
    },
    sizeOf: () => 1024,
  }
}

function placeOf({ seq }: { seq: number }): number {
  if (!Number.isSafeInteger(seq)) throw notUnderstood()
  return seq
}
