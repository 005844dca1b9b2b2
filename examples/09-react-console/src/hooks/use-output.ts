import type { RemoteKrownClient } from '@krown/sdk'
import { type QueryFunctionContext, useQuery } from '@tanstack/react-query'
import { followCommand, type Run } from '../follow-command.js'
import { useKrown } from '../krown-context.js'
import { applyChange, EMPTY_SCREEN, type Screen } from '../screen.js'

/** Fast commands print more pieces in a second than a page can draw. */
const DRAW_EVERY_MS = 80

/** Follows the command, once however many components ask; its data is what has been printed so far. */
export function useOutput(run: Run) {
  const krown = useKrown()
  return useQuery({
    queryKey: ['output', run.commandId],
    queryFn: (context) => collectOutput(krown, run, context),
    // Output is read once: asking again would begin with an empty screen.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    retry: false,
    retryOnMount: false,
    structuralSharing: false,
  })
}

// It leaves the query's `signal` alone: reading goes on while another session is on the screen.
async function collectOutput(
  krown: RemoteKrownClient,
  run: Run,
  { client, queryKey }: Pick<QueryFunctionContext, 'client' | 'queryKey'>,
): Promise<Screen> {
  let screen = EMPTY_SCREEN
  let drawing: number | undefined
  const draw = () => {
    window.clearTimeout(drawing)
    drawing = undefined
    // Whoever signed out meanwhile has left nothing behind.
    if (client.getQueryState(queryKey)) client.setQueryData(queryKey, screen)
  }
  try {
    for await (const change of followCommand(krown, run)) {
      screen = applyChange(screen, change)
      drawing ??= window.setTimeout(draw, DRAW_EVERY_MS)
    }
  } finally {
    // When it fails as well: what arrived stays on the page.
    draw()
  }
  return screen
}
