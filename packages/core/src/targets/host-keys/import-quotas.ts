import type { Db } from '../../db/database.js'
import { countPinsOfOrg } from '../../db/repositories/host-key.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { OrgId } from '../../model/ids.js'
import type { NewPin } from './pin-writer.js'

/** What an organization keeps of imports. */
export interface ImportQuotas {
  /** Each is tried on a host that nobody knows by name. */
  readonly patterns: number
  /** Keys of hosts by name; four for each target that there may be. */
  readonly pins: number
}

const QUOTAS: ImportQuotas = { patterns: 5_000, pins: 200_000 }

/** Lets keys be added that are not known yet. @throws KrownError QUOTA_EXCEEDED */
export async function requireRoomFor(
  db: Db,
  orgId: OrgId,
  { added, quotas = QUOTAS }: { added: readonly NewPin[]; quotas?: ImportQuotas },
): Promise<void> {
  if (added.length === 0) return
  const patterns = added.filter(({ kind }) => kind === 'pattern').length
  const known = await countPinsOfOrg(db, orgId)
  if (patterns > 0 && known.patterns + patterns > quotas.patterns)
    throw tooMany(
      quotas.patterns,
      `an organization keeps at most ${quotas.patterns} patterns and hashed names; import the targets first`,
    )
  if (known.pins + added.length - patterns > quotas.pins)
    throw tooMany(quotas.pins, `an organization keeps at most ${quotas.pins} host keys; delete some first`)
}

function tooMany(limit: number, message: string): KrownError {
  return new KrownError('QUOTA_EXCEEDED', message, { details: { limit } })
}
