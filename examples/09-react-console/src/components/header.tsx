import type { User } from '@krown/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ConnectionState } from '../hooks/use-live-sessions.js'
import { useKrown } from '../krown-context.js'
import { signedOut } from '../query-client.js'

const WORDS: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting …',
  live: 'Live',
  reconnecting: 'Reconnecting …',
}

export function Header({ user, connection }: { user: User; connection: ConnectionState }) {
  const krown = useKrown()
  const queries = useQueryClient()
  const logout = useMutation({ mutationFn: () => krown.auth.logout(), onSuccess: () => signedOut(queries) })
  return (
    <header>
      <img src="/icon.svg" alt="" width="28" height="28" />
      <h1>Krown</h1>
      <span role="status" className={`chip ${connection}`}>
        {WORDS[connection]}
      </span>
      <span className="user">
        {user.username} <small>{user.role}</small>
      </span>
      <button type="button" onClick={() => logout.mutate()} disabled={logout.isPending}>
        Sign out
      </button>
    </header>
  )
}
