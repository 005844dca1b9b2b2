import { type Krown, KrownError } from '@krown/core'
import type { FastifyInstance } from 'fastify'

/** For supervisors and load balancers; both need no token. */
export function mountHealth(app: FastifyInstance, krown: Krown): void {
  /** The process is alive: its event loop runs. */
  app.get('/healthz', async () => ({ status: 'ok' }))

  /** It can do work now: the database answers and nobody asked it to stop. */
  app.get('/readyz', async () => {
    if (krown.draining) throw new KrownError('DRAINING', 'Krown is shutting down')
    await krown.ready()
    return { status: 'ok' }
  })
}
