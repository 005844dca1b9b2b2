import type { Session } from '@krown/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Run } from '../follow-command.js'
import { putSession } from '../hooks/use-live-sessions.js'
import { useKrown } from '../krown-context.js'
import { CommandForm } from './command-form.js'
import { LiveCommand } from './live-command.js'
import { Problem } from './problem.js'

interface SessionViewProps {
  session: Session
  runs: readonly Run[]
  onStarted: (run: Run) => void
}

/** One session: what it is, a place to type, and the commands of this page, newest first. */
export function SessionView({ session, runs, onStarted }: SessionViewProps) {
  const krown = useKrown()
  const queries = useQueryClient()
  const close = useMutation({
    mutationFn: () => krown.sessions.close(session.id),
    onSuccess: (closed) => putSession(queries, closed),
  })
  const isConnected = session.status === 'connected'
  return (
    <>
      <div className="session-head">
        <div>
          <h2>
            {session.username}@{session.host}
          </h2>
          <p className="hint">
            {session.status}
            {session.hostKeyFingerprint && (
              <>
                {' · host key '}
                <code>{session.hostKeyFingerprint}</code>
              </>
            )}
          </p>
        </div>
        {isConnected && (
          <button type="button" onClick={() => close.mutate()} disabled={close.isPending}>
            Close session
          </button>
        )}
      </div>
      {close.error && <Problem error={close.error} />}
      {isConnected && <CommandForm sessionId={session.id} onStarted={onStarted} />}
      {runs.map((run) => (
        <LiveCommand key={run.commandId} run={run} />
      ))}
    </>
  )
}
