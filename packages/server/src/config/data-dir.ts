import { chmodSync, mkdirSync, readdirSync, type Stats, statSync } from 'node:fs'
import { type KrownConfig, validationError } from '@krown/core'
import { systemReason } from './config-problem.js'
import { isOpenToOthers } from './private-file.js'

/** What Krown itself puts there. */
const OWN_FILES = /^(?:krown\.(?:db|sqlite)|jwt-secret$|master-key$|setup-token$)/

/**
 * Makes the data directory, mode 0700. An existing one is closed to others when it is empty or already Krown's:
 * a directory with other content may be needed by somebody else.
 *
 * @throws KrownError VALIDATION_FAILED — it cannot be made, or is open to others and not ours to close.
 */
export function prepareDataDir({ dataDir }: Pick<KrownConfig, 'dataDir'>): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const stat = statSync(dataDir)
    if (!isOpenToOthers(stat.mode, 'owner')) return
    if (isOwn(stat) && isOursToClose(dataDir)) {
      chmodSync(dataDir, 0o700)
      return
    }
    // Platforms hand out volumes that belong to root and open them to our group.
    if (!isOwn(stat) && !isOpenToOthers(stat.mode, 'group')) return
  } catch (error) {
    throw invalidDataDir(`cannot be used: ${systemReason(error)}`)
  }
  throw invalidDataDir(
    'can be entered by others and holds other things; run chmod 700 on it, or choose another',
  )
}

function isOwn(stat: Stats): boolean {
  return stat.uid === process.getuid?.()
}

function isOursToClose(directory: string): boolean {
  const names = readdirSync(directory).filter((name) => name !== 'lost+found')
  return names.length === 0 || names.some((name) => OWN_FILES.test(name))
}

function invalidDataDir(message: string) {
  return validationError([{ path: 'data_dir', message }], 'the data directory is not usable')
}
