import { setTimeout as sleep } from 'node:timers/promises'
import { createKrownFrom, isKrownError, type Krown, type KrownConfig, KrownError } from '@krown/core'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createHttp, DEFAULT_HTTP_LIMITS } from '../transport/http.js'
import { sendProblem } from '../transport/send-problem.js'
import { listen } from './listen.js'
import type { StopRequests } from './stop-requests.js'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000

/**
 * Opens the gateway; when a database on the network does not answer, waits for it instead of crashing in a loop.
 * Meanwhile `/healthz` says that the process lives and everything else that it cannot work.
 *
 * @returns Undefined when it was asked to stop while it waited.
 * @throws KrownError whatever waiting would not change.
 */
export async function openKrown(
  config: KrownConfig,
  { logger, stop }: { logger: Logger; stop: StopRequests },
): Promise<Krown | undefined> {
  let waiting: FastifyInstance | undefined
  try {
    for (let waitMs = FIRST_WAIT_MS; !stop.asked; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      try {
        return await createKrownFrom(config, { logger })
      } catch (err) {
        if (config.database.url === '' || !isOutage(err)) throw err
        logger.warn({ err, waitMs }, 'the database does not answer; trying again')
        waiting ??= await startWaiting(config)
        await Promise.race([sleep(waitMs, undefined, { ref: false }), stop.first])
      }
    }
    return undefined
  } finally {
    waiting?.server.closeAllConnections()
    await waiting?.close()
  }
}

// Only what is worth another try says when: a schema that does not fit stays as it is.
function isOutage(error: unknown): boolean {
  return isKrownError(error) && error.code === 'UNAVAILABLE' && error.retryAfterMs !== undefined
}

async function startWaiting(config: KrownConfig): Promise<FastifyInstance> {
  const app = createHttp(config, DEFAULT_HTTP_LIMITS)
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, new KrownError('UNAVAILABLE', 'the database does not answer')),
  )
  await listen(app, config)
  return app
}
