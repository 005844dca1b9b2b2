import type { RemoteKrownClient } from '@krown/sdk'
import { createContext, use } from 'react'

export const KrownContext = createContext<RemoteKrownClient | undefined>(undefined)

/** The client that the whole page shares. */
export function useKrown(): RemoteKrownClient {
  const krown = use(KrownContext)
  if (!krown) throw new Error('there is no KrownContext around this component')
  return krown
}
