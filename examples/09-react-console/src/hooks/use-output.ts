import { experimental_streamedQuery as streamedQuery, useQuery } from '@tanstack/react-query'
import { followCommand, type Run } from '../follow-command.js'
import { useKrown } from '../krown-context.js'
import { applyChange, EMPTY_SCREEN } from '../screen.js'

/** Follows the command, once however many components ask, and renders with every piece of output. */
export function useOutput(run: Run) {
  const krown = useKrown()
  return useQuery({
    queryKey: ['output', run.commandId],
    // It does not look at the query's `signal`: reading goes on while another session is on the screen.
    queryFn: streamedQuery({
      streamFn: () => followCommand(krown, run),
      reducer: applyChange,
      initialValue: EMPTY_SCREEN,
    }),
    // Output is read once: asking again would begin with an empty screen.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    retry: false,
    retryOnMount: false,
    structuralSharing: false,
  })
}
