import { isKrownError } from '@krown/sdk'
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'

export const ME = ['me'] as const
export const SESSIONS = ['sessions'] as const

const MAX_RETRIES = 3

/** Retries what Krown says is worth it, and goes back to the sign-in form when the login has ended. */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    // The SDK has tried to refresh by then.
    if (isKrownError(error) && error.code === 'UNAUTHENTICATED') signedOut(client)
  }
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // The server on another port of this machine is reachable without any network.
      queries: { retry: isWorthRetrying, networkMode: 'always' },
      mutations: { networkMode: 'always' },
    },
  })
  return client
}

/** Forgets everything that this user saw: the next one may be somebody else. */
export function signedOut(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== ME[0] })
  client.setQueryData(ME, null)
}

export function isWorthRetrying(failures: number, error: unknown): boolean {
  return isKrownError(error) && error.retryable && failures < MAX_RETRIES
}
