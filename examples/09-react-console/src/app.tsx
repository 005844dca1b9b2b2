import { isKrownError, type RemoteKrownClient, type User } from '@krown/sdk'
import { useQuery } from '@tanstack/react-query'
import { Console } from './components/console.js'
import { Problem } from './components/problem.js'
import { SignIn } from './components/sign-in.js'
import { useKrown } from './krown-context.js'
import { ME } from './query-client.js'

/** The sign-in form or the console, as the server says who this is. */
export function App() {
  const krown = useKrown()
  const me = useQuery({ queryKey: ME, queryFn: () => whoAmI(krown), staleTime: Number.POSITIVE_INFINITY })
  if (me.data) return <Console user={me.data} />
  if (me.data === null) return <SignIn />
  if (me.error) return <Unreachable error={me.error} onRetry={() => void me.refetch()} />
  return <p className="splash">Signing in …</p>
}

/** Null when nobody is signed in. */
async function whoAmI(krown: RemoteKrownClient): Promise<User | null> {
  try {
    return await krown.auth.me()
  } catch (error) {
    if (isKrownError(error) && error.code === 'UNAUTHENTICATED') return null
    throw error
  }
}

function Unreachable({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <main className="sign-in">
      <Problem error={error} />
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </main>
  )
}
