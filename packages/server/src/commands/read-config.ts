import type { KrownConfig } from '@krown/core'
import { prepareDataDir } from '../config/data-dir.js'
import { loadConfig } from '../config/load-config.js'
import { withJwtSecret, withMasterKey } from '../config/secrets.js'
import type { Io } from './io.js'

export interface ConfigOptions {
  readonly config?: string
}

/**
 * The configuration with everything in place that it needs: the data directory, the signing secret and the master
 * key.
 *
 * @throws KrownError VALIDATION_FAILED with every problem.
 */
export function readConfig(options: ConfigOptions, io: Io): KrownConfig {
  const { config, warnings } = loadConfig({ file: options.config, env: io.env })
  for (const warning of warnings) io.stderr.write(`krown-server: warning: ${warning}\n`)
  prepareDataDir(config)
  return withMasterKey(withJwtSecret(config))
}
