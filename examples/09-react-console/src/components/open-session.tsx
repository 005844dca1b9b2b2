import type { OpenSessionInput, Session } from '@krown/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type SubmitEvent, useState } from 'react'
import { putSession } from '../hooks/use-live-sessions.js'
import { useKrown } from '../krown-context.js'
import { Field } from './field.js'
import { Problem } from './problem.js'

type Method = 'password' | 'key'

export function OpenSession({ onOpened }: { onOpened: (session: Session) => void }) {
  const krown = useKrown()
  const queries = useQueryClient()
  const [method, setMethod] = useState<Method>('password')
  const open = useMutation({
    mutationFn: async (input: OpenSessionInput) => (await krown.sessions.open(input)).session,
    // Not waiting for the event: the view of it is to be shown at once.
    onSuccess: (session) => {
      putSession(queries, session)
      onOpened(session)
    },
    // The secret is held no longer than it takes to send it.
    gcTime: 0,
  })
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    open.mutate(toInput(new FormData(form), method), { onSuccess: () => form.reset() })
  }
  return (
    <form className="open-session" onSubmit={submit} aria-labelledby="open-session" autoComplete="off">
      <h2 id="open-session">Open a session</h2>
      <div className="row">
        <Field label="Host" name="host" required />
        <Field label="Port" name="port" inputMode="numeric" pattern="\d{1,5}" defaultValue="22" required />
      </div>
      <Field label="User on the host" name="username" required />
      <fieldset>
        <legend>Sign in with</legend>
        {(['password', 'key'] as const).map((one) => (
          <label key={one}>
            <input type="radio" name="method" checked={method === one} onChange={() => setMethod(one)} />
            {one === 'key' ? 'Private key' : 'Password'}
          </label>
        ))}
      </fieldset>
      {method === 'password' ? (
        <Field label="Password on the host" name="secret" type="password" autoComplete="off" required />
      ) : (
        <label className="field">
          <span>Private key</span>
          <textarea name="secret" rows={3} spellCheck={false} required />
        </label>
      )}
      {open.error && <Problem error={open.error} />}
      <button type="submit" className="primary" disabled={open.isPending}>
        {open.isPending ? 'Opening …' : 'Open'}
      </button>
    </form>
  )
}

function toInput(form: FormData, method: Method): OpenSessionInput {
  const text = (name: string) => String(form.get(name))
  const secret = text('secret')
  const auth = method === 'key' ? { method, privateKey: secret } : { method, password: secret }
  return { host: text('host'), port: Number(text('port')), username: text('username'), auth }
}
