import type { Session, SessionId } from '@krown/sdk'
import type { UseQueryResult } from '@tanstack/react-query'
import { Problem } from './problem.js'

interface SessionListProps {
  query: UseQueryResult<Session[]>
  selected: SessionId | undefined
  onSelect: (id: SessionId) => void
}

export function SessionList({ query: { data, error }, selected, onSelect }: SessionListProps) {
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Sessions</h2>
      {error && <Problem error={error} />}
      {data?.length === 0 && <p className="hint">None yet: open one below.</p>}
      <ul className="sessions">
        {data?.map((session) => (
          <li key={session.id}>
            <button type="button" aria-current={session.id === selected} onClick={() => onSelect(session.id)}>
              <span className={`dot ${session.status}`} aria-hidden="true" />
              <span className="address">
                {session.username}@{session.host}
              </span>
              <small>{describe(session)}</small>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function describe({ port, status, statusReason, createdAt }: Session): string {
  const time = new Date(createdAt).toLocaleTimeString([], { timeStyle: 'short' })
  const reason = statusReason?.replaceAll('_', ' ')
  return `port ${port} · ${time} · ${reason ?? status}`
}
