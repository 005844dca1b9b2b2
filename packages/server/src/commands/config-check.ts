import { type FieldProblem, type KrownConfig, validationError } from '@krown/core'
import { checkBind } from '../config/check-bind.js'
import { problemsOf } from '../config/config-problem.js'
import { renderEffectiveConfig } from '../config/effective-config.js'
import { loadConfig } from '../config/load-config.js'
import { checkMasterKey, checkTlsKey, withJwtSecret } from '../config/secrets.js'
import type { Io } from './io.js'
import type { ConfigOptions } from './read-config.js'

/** Changes nothing. @throws KrownError VALIDATION_FAILED with everything that `start` would refuse. */
export async function checkConfig(options: ConfigOptions, io: Io): Promise<number> {
  const loaded = loadConfig({ file: options.config, env: io.env })
  const checks = [checkBind, checkTlsKey, requireJwtSecretOnPostgres, checkMasterKey]
  const problems: FieldProblem[] = []
  for (const check of checks) problems.push(...(await problemsFound(() => check(loaded.config))))
  if (problems.length > 0) throw validationError(problems, 'the configuration is not valid')
  io.stdout.write(renderEffectiveConfig(loaded))
  for (const warning of loaded.warnings) io.stderr.write(`krown-server: warning: ${warning}\n`)
  return 0
}

/** On SQLite a missing one is made at start. */
function requireJwtSecretOnPostgres(config: KrownConfig): void {
  if (config.database.url !== '') withJwtSecret(config)
}

async function problemsFound(check: () => void | Promise<void>): Promise<readonly FieldProblem[]> {
  try {
    await check()
    return []
  } catch (error) {
    const problems = problemsOf(error)
    if (problems === undefined) throw error
    return problems
  }
}
