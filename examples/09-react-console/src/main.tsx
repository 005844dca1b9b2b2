import { createKrownClient } from '@krown/sdk'
import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.js'
import { KrownContext } from './krown-context.js'
import { createQueryClient } from './query-client.js'
import './styles.css'

// The access token is in memory only, and the refresh token in a cookie that no script can read: a script that gets
// into the page finds nothing to take away, and a reload does not sign out.
const krown = createKrownClient({
  url: location.origin,
  refresh: 'cookie',
  // Somebody looks at the page: there is no reason to give up.
  reconnectForMs: Number.POSITIVE_INFINITY,
})

const root = document.querySelector('#root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <KrownContext value={krown}>
        <QueryClientProvider client={createQueryClient()}>
          <App />
        </QueryClientProvider>
      </KrownContext>
    </StrictMode>,
  )
}
