import type { KrownConfig } from '@krown/core'
import { prepareDataDir } from '../config/data-dir.js'
import { loadConfig } from '../config/load-config.js'
import { withJwtSecret } from '../config/secrets.js'
import type { Io } from './io.js'

export interface ConfigOptions {
  readonly config?: string
}

/**
 * The configuration with the data directory and the signing secret in place. The master key is left to those who need
 * it.
 *
 * @throws KrownError VALIDATION_FAILED with every problem.
 */
export function readConfig(options: ConfigOptions, io: Io): KrownConfig {
  const { config, warnings } = loadConfig({ file: options.config, env: io.env })
  for (const warning of warnings) io.stderr.write(`krown-server: warning: ${warning}\n`)
  prepareDataDir(config)
  return withJwtSecret(config)
}
