import { resolve } from 'node:path'
import type { Krown, KrownConfig } from '@krown/core'
import type { Logger } from 'pino'
import { checkBind } from '../config/check-bind.js'
import {
  checkTlsKey,
  removeSetupToken,
  type WithSetupToken,
  withMasterKey,
  withSetupToken,
} from '../config/secrets.js'
import { createKrownServer } from '../create-server.js'
import { openLog } from '../logging.js'
import type { Io } from './io.js'
import { listen } from './listen.js'
import { openKrown } from './open-krown.js'
import { programName, quoteForShell } from './program-name.js'
import { type ConfigOptions, readConfig } from './read-config.js'
import { runUntilStopped } from './run-until-stopped.js'
import { StopRequests } from './stop-requests.js'

/** Runs the server until a signal ends it. */
export async function start(options: ConfigOptions, io: Io): Promise<number> {
  const given = await withMasterKey(readConfig(options, io))
  checkBind(given)
  checkTlsKey(given)
  const setup = withSetupToken(given)
  const { config } = setup
  const log = await openLog(config.logging)
  // From the beginning: a signal that comes while it starts must not leave a database half open.
  const stop = new StopRequests(process, log.logger)
  stop.listen()
  try {
    const krown = await openKrown(config, { logger: log.logger, stop })
    if (krown === undefined) return stop.crashed ? 1 : 0
    return await serve({ krown, config, logger: log.logger, setup, options, stop }, io)
  } catch (error) {
    // Whether there is an administrator already was not asked yet.
    if (setup.isNew) removeSetupToken(config)
    throw error
  } finally {
    stop.ignore()
    await log.close()
  }
}

interface Gateway {
  readonly krown: Krown
  readonly config: KrownConfig
  readonly logger: Logger
  readonly setup: WithSetupToken
  readonly options: ConfigOptions
  readonly stop: StopRequests
}

async function serve(gateway: Gateway, io: Io): Promise<number> {
  const { krown, config, logger, stop } = gateway
  try {
    const app = await createKrownServer({ krown, config, logger })
    const { host, port, url } = await listen(app, config)
    krown.protect({ host, port })
    logger.info({ url }, 'listening')
    io.stderr.write(`Krown listens on ${url}\nIts API is described on ${url}/docs\n`)
    await tellSetup(gateway, io)
    const { drainTimeout } = config.server
    return await runUntilStopped({ krown, app, logger, drainTimeoutMs: drainTimeout }, stop)
  } finally {
    await krown.close()
  }
}

/**
 * How the first administrator is made. On standard error, since standard output is the log's; the token itself is
 * shown to a terminal only.
 */
async function tellSetup({ krown, config, setup, options }: Gateway, io: Io): Promise<void> {
  if (!(await krown.setupRequired())) {
    removeSetupToken(config)
    return
  }
  // Without it the command would make one in another database.
  const sameConfig = options.config === undefined ? '' : ` --config ${quoteForShell(resolve(options.config))}`
  io.stderr.write(`There is no administrator yet. Register one with the setup token in ${setup.file ?? 'auth.setup_token'},
or run: ${programName(io)} admin create --username admin${sameConfig}
`)
  if (setup.file !== null && io.stderr.isTTY) io.stderr.write(`The token: ${config.auth.setupToken}\n`)
}
