import { KrownError } from '@krown/core'
import type { FastifyRequest } from 'fastify'
import { isOwnOrigin } from '../own-origin.js'

/**
 * Pages may connect from this server's own origin and from those that CORS allows. Programs send no origin; there
 * are no cookies for a page to misuse, but what is foreign has no business here.
 *
 * @throws KrownError FORBIDDEN
 */
export function requireKnownOrigin(request: FastifyRequest, allowed: readonly string[]): void {
  const { origin } = request.headers
  if (origin === undefined || allowed.includes(origin) || isOwnOrigin(request)) return
  throw new KrownError('FORBIDDEN', 'pages of this origin may not connect')
}
