import type { SessionId, User } from '@krown/sdk'
import { useState } from 'react'
import type { Run } from '../follow-command.js'
import { useLiveSessions } from '../hooks/use-live-sessions.js'
import { Header } from './header.js'
import { OpenSession } from './open-session.js'
import { SessionList } from './session-list.js'
import { SessionView } from './session-view.js'

/** Everything that somebody who is signed in sees. */
export function Console({ user }: { user: User }) {
  const { sessions, connection } = useLiveSessions()
  const [selected, setSelected] = useState<SessionId>()
  // Here and not in the session's view: a command goes on when another session is looked at.
  const [runs, setRuns] = useState<readonly Run[]>([])
  const session = sessions.data?.find(({ id }) => id === selected)
  return (
    <div className="console">
      <Header user={user} connection={connection} />
      <aside aria-label="Sessions">
        <SessionList query={sessions} selected={selected} onSelect={setSelected} />
        <OpenSession onOpened={({ id }) => setSelected(id)} />
      </aside>
      <main>
        {session ? (
          <SessionView
            key={session.id}
            session={session}
            runs={runs.filter(({ sessionId }) => sessionId === session.id)}
            onStarted={(run) => setRuns((earlier) => [run, ...earlier])}
          />
        ) : (
          <p className="splash">Choose a session, or open one.</p>
        )}
      </main>
    </div>
  )
}
