import { reachOf } from '../../access/decide.js'
import type { Caller } from '../../auth/gate/gate.js'
import type { LogEntry } from './session-log.js'

/** Whether a reader may see an entry. */
export type Sees = (entry: LogEntry) => boolean

/** What the lists of sessions and of commands would show this caller. */
export function seenBy({ subject, reach: sessionReach }: Caller): Sees {
  const commandReach = reachOf(subject, 'command:read')
  return ({ event, userId }) => {
    const reach = event?.type === 'session_status' ? sessionReach : commandReach
    return reach === 'org' || (reach === 'own' && userId === subject.userId)
  }
}
