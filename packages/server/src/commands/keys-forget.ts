import { openKrownAdmin } from '@krown/core'
import type { Io } from './io.js'
import { type ConfigOptions, readConfig } from './read-config.js'

/** For an operator who lost a master key: gives up what only that key could decrypt, so that servers start again. */
export async function forgetKey(options: ConfigOptions & { key: string }, io: Io): Promise<number> {
  await using admin = await openKrownAdmin(readConfig(options, io))
  const forgotten = await admin.forgetMasterKey(options.key)
  io.stdout.write(`Deleted credentials that only key ${options.key} could decrypt: ${forgotten}.
Now "keys rotate" puts vault.master_key in its place.
`)
  return 0
}
