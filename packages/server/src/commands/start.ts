import type { Krown, KrownConfig } from '@krown/core'
import { checkBind } from '../config/check-bind.js'
import { checkTlsKey, removeSetupToken, withSetupToken } from '../config/secrets.js'
import { createKrownServer } from '../create-server.js'
import { type Log, openLog } from '../logging.js'
import type { Io } from './io.js'
import { listen } from './listen.js'
import { openKrown } from './open-krown.js'
import { type ConfigOptions, readConfig } from './read-config.js'
import { runUntilStopped } from './run-until-stopped.js'

/** Runs the server until a signal ends it. */
export async function start(options: ConfigOptions, io: Io): Promise<number> {
  const given = readConfig(options, io)
  checkBind(given)
  checkTlsKey(given)
  const { config, file } = withSetupToken(given)
  const log = await openLog(config.logging)
  try {
    const krown = await openKrown(config, log.logger)
    return await serve({ krown, config, log, setupTokenFile: file }, io)
  } finally {
    await log.close()
  }
}

interface Gateway {
  readonly krown: Krown
  readonly config: KrownConfig
  readonly log: Log
  /** Null when the token was given. */
  readonly setupTokenFile: string | null
}

async function serve(gateway: Gateway, io: Io): Promise<number> {
  const { krown, config } = gateway
  const { logger } = gateway.log
  try {
    const app = await createKrownServer({ krown, config, logger })
    const { host, port, url } = await listen(app, config)
    krown.protect({ host, port })
    logger.info({ url }, 'listening')
    io.stdout.write(`Krown listens on ${url}\nIts API is described on ${url}/docs\n`)
    await tellSetup(gateway, io)
    return await runUntilStopped({ krown, app, logger, drainTimeoutMs: config.server.drainTimeout })
  } finally {
    await krown.close()
  }
}

/** How the first administrator is made. The token itself is shown to a terminal only, never to a log. */
async function tellSetup({ krown, config, setupTokenFile }: Gateway, io: Io): Promise<void> {
  if (!(await krown.setupRequired())) {
    removeSetupToken(config)
    return
  }
  io.stdout.write(`There is no administrator yet. Register one with the setup token in ${setupTokenFile ?? 'auth.setup_token'},
or run: krown-server admin create --username admin
`)
  if (setupTokenFile !== null && io.stdout.isTTY) io.stdout.write(`The token: ${config.auth.setupToken}\n`)
}
