import { requirePermission, type Subject } from '../access/decide.js'
import type { Permission } from '../access/permission-table.js'
import type { Caller } from '../auth/gate.js'
import { isKrownError } from '../errors/krown-error.js'
import type { LogEntry } from './session-log.js'

/** Whether a reader may see an entry. */
export type Sees = (entry: LogEntry) => boolean

/** What the lists of sessions and of commands would show this caller. */
export function seenBy({ subject, reach }: Caller): Sees {
  const commandReach = reachOf(subject, 'command:read')
  return ({ event, userId }) => {
    const covers = event?.type === 'session_status' ? reach : commandReach
    return covers === 'org' || (covers === 'own' && userId === subject.userId)
  }
}

function reachOf(subject: Subject, permission: Permission): 'own' | 'org' | 'none' {
  try {
    return requirePermission(subject, permission)
  } catch (error) {
    if (isKrownError(error)) return 'none'
    throw error
  }
}
