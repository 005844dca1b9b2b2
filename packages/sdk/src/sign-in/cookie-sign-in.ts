import type { LoginResult } from '@krown/core/model'
import { fromProblem, isProblem, notKrown } from '../errors/problem.js'
import { fetchJson } from '../http/http.js'
import type { ClientSettings } from '../options.js'
import type { SignInCalls } from './sign-in.js'

/** Signing in with the refresh token in a cookie, which only the REST API sets and only the browser sees. */
export function cookieSignIn(settings: ClientSettings): SignInCalls {
  return {
    login: ({ username, password }) => post(settings, 'login', { username, password, refresh: 'cookie' }),
    refresh: () => post(settings, 'refresh'),
  }
}

async function post(settings: ClientSettings, path: string, body?: object): Promise<LoginResult> {
  const { status, json } = await fetchJson(settings, `${settings.baseUrl}/api/auth/${path}`, {
    method: 'POST',
    credentials: 'include',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (isProblem(json)) throw fromProblem(json)
  if (status !== 200) throw notKrown(status)
  return { ...(json as LoginResult), refreshToken: '' }
}
