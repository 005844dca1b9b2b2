import { isKrownError, type Session, type SessionEvent } from '@krown/sdk'
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useKrown } from '../krown-context.js'
import { SESSIONS, signedOut } from '../query-client.js'

export type ConnectionState = 'connecting' | 'live' | 'reconnecting'

const PAGE_SIZE = 50
const SUBSCRIBE_AGAIN_MS = 2_000

/** The newest sessions, kept as they are by events; and whether events arrive. */
export function useLiveSessions() {
  const krown = useKrown()
  const queries = useQueryClient()
  const [connection, setConnection] = useState<ConnectionState>('connecting')
  const [attempt, setAttempt] = useState(0)
  const sessions = useQuery({
    queryKey: SESSIONS,
    queryFn: async () => (await krown.sessions.list({ limit: PAGE_SIZE })).items,
    // From then on the events say what is new.
    staleTime: Number.POSITIVE_INFINITY,
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt is a new subscription
  useEffect(() => {
    let timer: number | undefined
    // The tRPC client below the SDK, because it tells of the connection as well.
    const subscription = krown.trpc.sessions.events.subscribe(
      {},
      {
        onStarted: () => {
          setConnection('live')
          // What happened while nobody listened is asked for.
          void queries.invalidateQueries({ queryKey: SESSIONS })
        },
        onConnectionStateChange: ({ state, error }) => {
          if (state === 'connecting' && error) setConnection('reconnecting')
        },
        onData: ({ data }) => applyEvent(queries, data),
        onError: (error) => {
          setConnection('reconnecting')
          // Refused by the SDK before it asked, or by the server.
          const code = isKrownError(error.cause) ? error.cause.code : error.data?.krown.code
          if (code === 'UNAUTHENTICATED') signedOut(queries)
          else timer = window.setTimeout(() => setAttempt((count) => count + 1), SUBSCRIBE_AGAIN_MS)
        },
      },
    )
    return () => {
      subscription.unsubscribe()
      window.clearTimeout(timer)
    }
  }, [krown, queries, attempt])

  return { sessions, connection }
}

function applyEvent(queries: QueryClient, event: SessionEvent): void {
  if (event.type === 'gap') void queries.invalidateQueries({ queryKey: SESSIONS })
  if (event.type === 'session_status') putSession(queries, event.session)
}

/** The session in its place in the list, or before all others when it is new. */
export function putSession(queries: QueryClient, session: Session): void {
  queries.setQueryData<Session[]>(SESSIONS, (list = []) => {
    const isKnown = list.some(({ id }) => id === session.id)
    return isKnown ? list.map((one) => (one.id === session.id ? session : one)) : [session, ...list]
  })
}
