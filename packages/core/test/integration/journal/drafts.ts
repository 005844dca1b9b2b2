import { newId } from '../../../src/base/ids.js'
import type { JournalDraft } from '../../../src/journal/entry.js'
import type { UserId } from '../../../src/model/ids.js'

export const ALICE = newId<UserId>()

/** A draft by alice; `given` replaces parts of it. */
export function draft(given: Partial<JournalDraft> = {}): JournalDraft {
  return {
    action: 'test.happened',
    outcome: 'success',
    actor: { kind: 'external', userId: ALICE, username: 'alice', clientIp: '192.0.2.1' },
    ...given,
  }
}
