import { KrownError } from '@krown/core'
import type { FastifyRequest } from 'fastify'

/**
 * Pages may connect from this server's own origin and from those that CORS allows. Programs send no origin; there
 * are no cookies for a page to misuse, but what is foreign has no business here.
 *
 * @throws KrownError FORBIDDEN
 */
export function requireKnownOrigin({ headers }: FastifyRequest, allowed: readonly string[]): void {
  const { origin, host } = headers
  if (origin === undefined || allowed.includes(origin)) return
  if (host !== undefined && hostOf(origin) === host.toLowerCase()) return
  throw new KrownError('FORBIDDEN', 'pages of this origin may not connect')
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
