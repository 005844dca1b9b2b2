import type { Krown } from '@krown/core'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { StopRequests } from './stop-requests.js'

export interface RunningServer {
  readonly krown: Krown
  readonly app: FastifyInstance
  readonly logger: Logger
  readonly drainTimeoutMs: number
}

/** After the drain, answers under way get this long; then their connections are cut. */
const ANSWER_GRACE_MS = 1000
/** What hangs in closing must not keep the process: a supervisor would kill it without a word. */
const CLOSE_TIMEOUT_MS = 10_000

/**
 * Waits for a reason to stop, then stops in order: the first signal drains, the second does not wait, an
 * exception that nobody caught closes at once.
 *
 * @returns The exit code.
 */
export async function runUntilStopped(server: RunningServer, stop: StopRequests): Promise<number> {
  const { logger } = server
  await stop.first
  if (!stop.crashed) await Promise.race([drain(server), stop.second])
  const isClosed = await isDoneWithin(CLOSE_TIMEOUT_MS, close(server))
  if (isClosed) logger.info({}, 'stopped')
  else logger.error({}, 'closing took too long')
  return isClosed && !stop.crashed ? 0 : 1
}

async function drain({ krown, logger, drainTimeoutMs }: RunningServer): Promise<void> {
  logger.info({ drainTimeoutMs }, 'draining; a second signal stops without waiting')
  await krown.drain(drainTimeoutMs)
}

/** Ends what runs first, so that those who wait for it get their answer while the connections still are. */
async function close({ krown, app }: RunningServer): Promise<void> {
  const closing = Promise.resolve(app.close())
  await krown.close()
  const isAnswered = await isDoneWithin(ANSWER_GRACE_MS, closing)
  if (!isAnswered) app.server.closeAllConnections()
  await closing
}

async function isDoneWithin(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs)
  })
  try {
    return await Promise.race([work.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
