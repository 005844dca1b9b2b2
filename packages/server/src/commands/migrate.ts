import { openKrownAdmin } from '@krown/core'
import type { Io } from './io.js'
import { type ConfigOptions, readConfig } from './read-config.js'

export async function migrate(options: ConfigOptions, io: Io): Promise<number> {
  await using admin = await openKrownAdmin(readConfig(options, io))
  await admin.migrate()
  io.stdout.write('The database is up to date.\n')
  return 0
}
