import type { Db } from '../../db/database.js'
import {
  listExpiredRecordingsAcrossOrgs,
  sumRecordingBytesAcrossOrgs,
} from '../../db/repositories/recording.repository.js'
import type { SystemActor } from '../../model/actor.js'
import type { OrgId } from '../../model/ids.js'
import type { RecordingSpace } from '../../recordings/recording-space.js'
import { type BurialDeps, buryOne } from './bury-recording.js'

export interface PurgeDeps extends BurialDeps {
  readonly db: Db
  readonly space: RecordingSpace
  systemActor(orgId: OrgId): Promise<SystemActor>
}

const BATCH = 100

/**
 * Deletes what ended longer ago than recordings are kept, then looks how much all of them take.
 *
 * @param retentionMs 0 keeps them for ever.
 */
export async function purgeRecordings(deps: PurgeDeps, retentionMs: number): Promise<void> {
  if (retentionMs > 0) await purgeAll(deps, deps.clock.now() - retentionMs)
  deps.space.noteKept(await sumRecordingBytesAcrossOrgs(deps.db))
}

async function purgeAll(deps: PurgeDeps, endedBefore: number): Promise<void> {
  const listSome = () => listExpiredRecordingsAcrossOrgs(deps.db, { endedBefore, limit: BATCH })
  for (let some = await listSome(); some.length > 0; some = await listSome()) {
    for (const recording of some) {
      const actor = await deps.systemActor(recording.orgId)
      await buryOne(deps, { recording, actor, reason: 'retention' })
    }
  }
}
