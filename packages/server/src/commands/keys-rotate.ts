import { openKrownAdmin } from '@krown/core'
import { withMasterKey } from '../config/secrets.js'
import type { Io } from './io.js'
import { type ConfigOptions, readConfig } from './read-config.js'

/** Encrypts every stored secret with `vault.master_key`, beside servers that were given both keys. */
export async function rotateKeys(options: ConfigOptions, io: Io): Promise<number> {
  await using admin = await openKrownAdmin(await withMasterKey(readConfig(options, io)))
  const onProgress = (done: number) => void io.stderr.write(`${done} encrypted anew\n`)
  const done = await admin.rotateMasterKey({ onProgress })
  const id = (await admin.masterKeys()).find(({ active }) => active)?.id
  io.stdout.write(`Every stored secret is encrypted with key ${id}; ${done} were not before.
Other keys are not needed any more: empty vault.previous_master_keys and restart the servers.
`)
  return 0
}
