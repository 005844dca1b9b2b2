import { type KrownConfig, openKrownAdmin } from '@krown/core'
import { withKnownMasterKey } from '../config/secrets.js'
import type { Io } from './io.js'
import { type ConfigOptions, readConfig } from './read-config.js'

/** For an operator who lost a master key: gives up what only that key could decrypt, so that servers start again. */
export async function forgetKey(options: ConfigOptions & { key: string }, io: Io): Promise<number> {
  const config = withKnownMasterKey(readConfig(options, io))
  await using admin = await openKrownAdmin(config)
  const forgotten = await admin.forgetMasterKey(options.key)
  io.stdout.write(`Deleted credentials that only key ${options.key} could decrypt: ${forgotten}.
${nextStep(config)}
`)
  return 0
}

function nextStep({ vault }: KrownConfig): string {
  const rotate = '"keys rotate" puts vault.master_key in its place.'
  return vault.masterKey === ''
    ? `Now make a key ("openssl rand -base64 32") and give it as vault.master_key; then ${rotate}`
    : `Now ${rotate}`
}
