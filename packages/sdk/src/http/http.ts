import type { TRPCFetch } from '@trpc/client'
import { connectionLost, invalidInput, isPassing, KrownClientError } from '../errors/errors.js'
import { fromProblem, isProblem, notKrown } from '../errors/problem.js'
import type { ClientSettings } from '../options.js'
import type { Access } from '../sign-in/access.js'
import { textOf } from './answer.js'

type Init = Parameters<TRPCFetch>[1]

/** What tRPC reads of an answer. */
type Answer = Awaited<ReturnType<TRPCFetch>> & { readonly status: number }

const TIMED_OUT = 'TIMEOUT'
const MAX_TIMER_MS = 2 ** 31 - 1
/** By then it is known of the other connections whether they have ended as well. */
const ASK_AGAIN_MS = 50

/** These refuse passwords and tokens of their own: another access token would not help. */
const NEEDS_NO_TOKEN = /\/(?:auth\.(?:login|register|refresh)|system\.info)$/

/**
 * `fetch` for tRPC's httpLink: with the token, and once more with a fresh one when the server refuses it (nothing ran
 * then). Everything that is no answer of Krown's comes out as a KrownClientError.
 */
export function createHttp(settings: ClientSettings, access?: Access): TRPCFetch {
  return async (input, init) => {
    const url = String(input)
    const send = (token?: string) => request(settings, url, withToken(init, token))
    if (!access || NEEDS_NO_TOKEN.test(new URL(url).pathname)) return send()
    const token = await access.current()
    const answer = await send(token)
    if (answer.status !== 401 || token === undefined) return answer
    const fresh = await access.renew(token)
    return fresh === undefined ? answer : send(fresh)
  }
}

function withToken(init: Init, token: string | undefined): Init {
  if (token === undefined) return init
  // What fetch throws of such a header says the whole of it.
  if (!/^[\x21-\x7e]*$/.test(token.trim()))
    throw invalidInput('token', 'must be printable ASCII, without spaces')
  return { ...init, headers: { ...(init?.headers as object), authorization: `Bearer ${token}` } } as Init
}

async function request(settings: ClientSettings, url: string, init: Init): Promise<Answer> {
  const ask = () => fetchJson(settings, url, init as RequestInit)
  const { status, json } = await (init?.method === 'GET' ? twice(ask) : ask())
  if (json === null || typeof json !== 'object') throw notKrown(status)
  if (!('result' in json || 'error' in json)) throw isProblem(json) ? fromProblem(json) : notKrown(status)
  return { ok: status < 300, status, json: async () => json }
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
  const timeout = AbortSignal.timeout(Math.min(Math.ceil(settings.requestTimeoutMs), MAX_TIMER_MS))
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout
  try {
    // Passwords and tokens are for this server alone. With 'error' nobody could tell a redirect from a lost connection.
    const response = await settings.fetch(url, { ...init, signal, redirect: 'manual' })
    return { status: response.status, json: parse(await textOf(response)) }
  } catch (error) {
    if (init.signal?.aborted || error instanceof KrownClientError) throw error
    throw lost(settings, timeout.aborted ? TIMED_OUT : reasonOf(error))
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
