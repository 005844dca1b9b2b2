import { type MasterKeyStatus, openKrownAdmin } from '@krown/core'
import { withKnownMasterKey } from '../config/secrets.js'
import type { Io } from './io.js'
import { type ConfigOptions, readConfig } from './read-config.js'

/** One line for each master key; never the key itself. */
export async function listKeys(options: ConfigOptions, io: Io): Promise<number> {
  await using admin = await openKrownAdmin(withKnownMasterKey(readConfig(options, io)))
  const rows = [['KEY', 'STATE', 'SECRETS', 'GIVEN'], ...(await admin.masterKeys()).map(toRow)]
  for (const row of rows) {
    io.stdout.write(`${row.map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0)).join('  ')}`.trimEnd())
    io.stdout.write('\n')
  }
  return 0
}

const WIDTHS = [8, 8, 7]

function toRow({ id, active, retiredAt, secrets, given }: MasterKeyStatus): string[] {
  const state = active ? 'active' : retiredAt === null ? 'unused' : 'retired'
  return [id, state, String(secrets), given ? 'yes' : 'no']
}
