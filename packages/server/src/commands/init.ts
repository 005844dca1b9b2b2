import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { KrownError } from '@krown/core'
import { prepareDataDir } from '../config/data-dir.js'
import { loadConfig } from '../config/load-config.js'
import { withJwtSecret, withMasterKey, withSetupToken } from '../config/secrets.js'
import { renderCommentedConfig } from '../config/write-config.js'
import type { Io } from './io.js'
import { programName, quoteForShell } from './program-name.js'
import { renderSystemdUnit } from './systemd-unit.js'

/** Writes what a server needs into a directory, and replaces nothing. */
export async function init({ dir }: { dir: string }, io: Io): Promise<number> {
  const directory = resolve(dir)
  const config = join(directory, 'krown.toml')
  const unit = join(directory, 'krown.service')
  refuseExisting([config, unit])
  mkdirSync(directory, { recursive: true })
  writeNew(config, renderCommentedConfig())
  const secrets = await makeSecrets(config)
  writeNew(unit, renderSystemdUnit({ config, dataDir: secrets.dataDir }))
  chmodSync(unit, 0o644)
  io.stdout.write(summary({ config, unit, ...secrets }, programName(io)))
  return 0
}

function refuseExisting(files: readonly string[]): void {
  const existing = files.filter((file) => existsSync(file))
  if (existing.length === 0) return
  throw new KrownError('CONFLICT', `already there: ${existing.join(', ')}; choose another --dir`)
}

function writeNew(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
}

async function makeSecrets(file: string) {
  // Not from the environment: what is written here is for the file as it stands.
  const { config } = loadConfig({ file, env: {} })
  prepareDataDir(config)
  const { file: setupToken } = withSetupToken(await withMasterKey(withJwtSecret(config)))
  return { dataDir: config.dataDir, setupToken }
}

interface Made {
  readonly config: string
  readonly unit: string
  readonly dataDir: string
  readonly setupToken: string | null
}

function summary(made: Made, program: string): string {
  const config = quoteForShell(made.config)
  return `Written:
  ${made.config}   the configuration, every key with its default
  ${made.dataDir}   database and secrets; keep it private, and back it up
  ${made.unit}   a systemd unit

Next:
  ${program} config check --config ${config}
  ${program} admin create --config ${config} --username admin
  ${program} start --config ${config}

Instead of the second, register with the token in ${made.setupToken}.

Stored passwords and private keys are encrypted with ${join(made.dataDir, 'master-key')}: a backup without that file
is useless for them, and whoever has both can read them. Keep a copy of it, apart from the backups.
`
}
