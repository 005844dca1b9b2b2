import { connectionLost, invalidInput, isPassing, KrownClientError } from '../errors/errors.js'
import { fromProblem, isProblem, notKrown } from '../errors/problem.js'
import type { ClientSettings } from '../options.js'
import type { Access } from '../sign-in/access.js'
import { textOf } from './answer.js'

/** A call of a procedure. */
export interface Call {
  readonly path: string
  readonly input: unknown
  readonly isQuery: boolean
  readonly signal?: AbortSignal | null | undefined
}

/** What tRPC answers with; one of them is there. */
export interface TrpcAnswer {
  readonly result?: unknown
  readonly error?: unknown
}

const TIMED_OUT = 'TIMEOUT'
const MAX_TIMER_MS = 2 ** 31 - 1
/** By then it is known of the other connections whether they have ended as well. */
const ASK_AGAIN_MS = 50

/** These refuse passwords and tokens of their own: another access token would not help. */
const NEEDS_NO_TOKEN = new Set(['auth.login', 'auth.register', 'auth.refresh', 'system.info'])

/**
 * Calls a procedure: with the token, and once more with a fresh one when the server refuses it (nothing ran then).
 * Everything that is no answer of Krown's comes out as a KrownClientError.
 */
export function createHttp(settings: ClientSettings, access?: Access): (call: Call) => Promise<TrpcAnswer> {
  return async (call) => {
    const send = (token?: string) => request(settings, call, token)
    if (!access || NEEDS_NO_TOKEN.has(call.path)) return (await send()).answer
    const token = await access.current()
    const { status, answer } = await send(token)
    if (status !== 401 || token === undefined) return answer
    const fresh = await access.renew(token)
    return fresh === undefined ? answer : (await send(fresh)).answer
  }
}

async function request(
  settings: ClientSettings,
  call: Call,
  token: string | undefined,
): Promise<{ status: number; answer: TrpcAnswer }> {
  const [url, init] = toFetch(settings, call, token)
  const ask = () => fetchJson(settings, url, init)
  const { status, json } = await (call.isQuery ? twice(ask) : ask())
  if (json === null || typeof json !== 'object') throw notKrown(status)
  if (!('result' in json || 'error' in json)) throw isProblem(json) ? fromProblem(json) : notKrown(status)
  return { status, answer: json }
}

function toFetch(
  { baseUrl }: ClientSettings,
  { path, input, isQuery, signal }: Call,
  token: string | undefined,
): [url: string, init: RequestInit] {
  const url = `${baseUrl}/trpc/${path}`
  const json = input === undefined ? undefined : JSON.stringify(input)
  const authorization = token !== undefined && { authorization: `Bearer ${requireHeader(token)}` }
  if (isQuery) {
    const query = json === undefined ? '' : `?input=${encodeURIComponent(json)}`
    return [url + query, { method: 'GET', headers: { ...authorization }, signal: signal ?? null }]
  }
  const headers = { 'content-type': 'application/json', ...authorization }
  return [url, { method: 'POST', headers, signal: signal ?? null, ...(json !== undefined && { body: json }) }]
}

function requireHeader(token: string): string {
  // What fetch throws of such a header says the whole of it.
  if (/^[\x21-\x7e]*$/.test(token.trim())) return token
  throw invalidInput('token', 'must be printable ASCII, without spaces')
}

// A connection that was kept for the next request may have ended unseen; asking a question again changes nothing
// (RFC 9110 §9.2.2).
async function twice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!isPassing(error) || error.details?.reason === TIMED_OUT) throw error
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
    return ask()
  }
}

/**
 * One request, read to its end; `json` is undefined where the answer is none.
 *
 * @throws KrownClientError CONNECTION_LOST; UNKNOWN for a redirect or an answer without end; the reason of a signal in `init`.
 */
export async function fetchJson(
  settings: ClientSettings,
  url: string,
  init: RequestInit,
): Promise<{ status: number; json: unknown }> {
  const over = new AbortController()
  const onAbort = () => over.abort(init.signal?.reason)
  // Not `AbortSignal.any`, which keeps something of each call with a signal that lives on.
  init.signal?.addEventListener('abort', onAbort, { once: true })
  if (init.signal?.aborted) onAbort()
  let timedOut = false
  const timer = setTimeout(
    () => {
      timedOut = true
      over.abort()
    },
    Math.min(Math.ceil(settings.requestTimeoutMs), MAX_TIMER_MS),
  )
  try {
    // Passwords and tokens are for this server alone. With 'error' nobody could tell a redirect from a lost connection.
    const response = await settings.fetch(url, { ...init, signal: over.signal, redirect: 'manual' })
    return { status: response.status, json: parse(await textOf(response)) }
  } catch (error) {
    if (init.signal?.aborted || error instanceof KrownClientError) throw error
    throw lost(settings, timedOut ? TIMED_OUT : reasonOf(error))
  } finally {
    clearTimeout(timer)
    init.signal?.removeEventListener('abort', onAbort)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function lost({ origin }: ClientSettings, reason: string | undefined): KrownClientError {
  return connectionLost(`no answer from ${origin}`, reason === undefined ? {} : { reason })
}

/** The operating system's word for it, out of what `fetch` throws in Node; its texts may hold anything. */
function reasonOf(error: unknown): string | undefined {
  const { code } = (error instanceof Error ? ((error.cause ?? error) as { code?: unknown }) : {}) as {
    code?: unknown
  }
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : undefined
}
