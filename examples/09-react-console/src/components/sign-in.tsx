import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { SubmitEvent } from 'react'
import { useKrown } from '../krown-context.js'
import { ME } from '../query-client.js'
import { Field } from './field.js'
import { Problem } from './problem.js'

export function SignIn() {
  const krown = useKrown()
  const queries = useQueryClient()
  const login = useMutation({
    mutationFn: krown.auth.login,
    onSuccess: (user) => queries.setQueryData(ME, user),
  })
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    login.mutate({ username: String(form.get('username')), password: String(form.get('password')) })
  }
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <img src="/icon.svg" alt="" width="44" height="44" />
        <h1>Sign in to Krown</h1>
        <Field label="User name" name="username" autoComplete="username" required autoFocus />
        <Field label="Password" name="password" type="password" autoComplete="current-password" required />
        {login.error && <Problem error={login.error} />}
        <button type="submit" className="primary" disabled={login.isPending}>
          {login.isPending ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}
