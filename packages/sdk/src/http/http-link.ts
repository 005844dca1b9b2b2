import type { AppRouter } from '@krown/server'
import { TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { notUnderstood } from '../errors/problem.js'
import type { ClientSettings } from '../options.js'
import type { Access } from '../sign-in/access.js'
import { isRecord } from '../sockets/frames.js'
import { createHttp } from './http.js'

/**
 * Each query and mutation as a request of its own, like tRPC's `httpLink`. That one takes as long as the request itself;
 * most of it goes into signals that are made for each call and never used.
 */
export function httpLink(settings: ClientSettings, access?: Access): TRPCLink<AppRouter> {
  const ask = createHttp(settings, access)
  return () =>
    ({ op: { path, type, input, signal } }) =>
      observable((observer) => {
        ask({ path, input, isQuery: type === 'query', signal })
          .then((answer) => {
            observer.next({ result: { type: 'data', data: dataOf(answer) } })
            observer.complete()
          })
          .catch((error) => observer.error(TRPCClientError.from(error)))
      })
}

/** @throws What the answer says that went wrong; KrownClientError UNKNOWN for what is no answer of tRPC's. */
function dataOf(answer: { result?: unknown; error?: unknown }): unknown {
  if ('error' in answer) {
    const { error } = answer
    const isRefusal = isRecord(error) && typeof error.code === 'number' && typeof error.message === 'string'
    throw isRefusal
      ? TRPCClientError.from(answer as Parameters<typeof TRPCClientError.from>[0])
      : notUnderstood()
  }
  if (isRecord(answer.result)) return answer.result.data
  throw notUnderstood()
}
