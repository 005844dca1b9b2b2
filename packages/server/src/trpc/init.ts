import { initTRPC } from '@trpc/server'
import type { TRPC_ERROR_CODE_KEY, TRPC_ERROR_CODE_NUMBER } from '@trpc/server/rpc'
import { toKrownError, toTrpcError, WIRE } from '../errors/error-mapping.js'
import { type Problem, toProblem } from '../errors/problem.js'
import type { AnswerHolder } from '../load/under-way.js'
import { CallContext, type CallOptions, requireSocket } from './context.js'
import { pace } from './pace.js'
import type { RouteMeta } from './route-meta.js'

/** What a transport hands to a procedure. Opaque, so that the router's type names nothing of the server. */
export interface RootContext {
  /** A {@link CallContext}. */
  readonly call: unknown
}

/**
 * The context that `appRouter` wants, for who calls it by itself: in a router of their own, in another adapter, or with
 * `appRouter.createCaller`.
 */
export function createContext(options: CallOptions): RootContext {
  return { call: new CallContext(options) }
}

/** What a client finds in `error.data`. */
export interface KrownErrorData {
  code: TRPC_ERROR_CODE_KEY
  httpStatus: number
  path?: string
  krown: Problem
}

/** A refusal as tRPC sends it. */
export interface KrownErrorShape {
  message: string
  code: TRPC_ERROR_CODE_NUMBER
  data: KrownErrorData
}

const t = initTRPC
  .context<RootContext>()
  .meta<RouteMeta>()
  .create({
    // Stacks are sent by default unless NODE_ENV says production.
    isDev: false,
    // tRPC would send the text of an unexpected error as it is.
    errorFormatter: ({ shape, error, path, ctx }): KrownErrorShape => {
      const krown = toProblem(toKrownError(error), requestIdOf(ctx))
      const { http, trpc } = WIRE[krown.code]
      return {
        message: krown.detail,
        code: shape.code,
        data: { code: trpc, httpStatus: http, ...(path !== undefined && { path }), krown },
      }
    },
  })

function requestIdOf(ctx: RootContext | undefined): string {
  return ctx?.call instanceof CallContext ? ctx.call.origin.requestId : ''
}

export const router = t.router

// One middleware each, though they do several things: tRPC copies everything about a call for every one of them.

/** For what may be asked without being signed in. */
export const publicProcedure = t.procedure.use(({ ctx, getRawInput, next }) =>
  translateErrors(async () => {
    // Input is read even where none is wanted, so that what should not be there is refused.
    await getRawInput()
    return next({ ctx: unpackCall(ctx) })
  }),
)

/** For everything else: `ctx.client` is all that the caller may do. Input is looked at after the caller is. */
export const authedProcedure = t.procedure.use(({ ctx, getRawInput, next, type, meta }) =>
  translateErrors(async () => {
    const unpacked = unpackCall(ctx)
    const { call, krown } = unpacked
    const actor = await call.authenticate()
    krown.countRequest(actor)
    const proceed = async () => {
      await getRawInput()
      return next({ ctx: { ...unpacked, client: krown.as(actor) } })
    }
    const { underWay } = call
    // A stream has bounds of its own, in the socket that it goes over.
    if (!underWay || type === 'subscription') return proceed()
    const { userId } = actor
    const { holder, sent } = holdAnswer(call)
    const work = async () => {
      const result = await proceed()
      if (!result.ok) return result
      const data = await underWay.admit(holder, result.data, { userId, isRead: type === 'query' })
      return { ...result, data }
    }
    return underWay.run(userId, work, { waits: meta?.waits === true }).finally(sent)
  }),
)

/** Whatever goes wrong inside leaves as a TRPCError around a KrownError. */
async function translateErrors<Result extends { ok: boolean }>(work: () => Promise<Result>): Promise<Result> {
  let result: Result
  try {
    result = await work()
  } catch (error) {
    throw toTrpcError(error)
  }
  if ('error' in result) throw toTrpcError(result.error)
  return result
}

function unpackCall(ctx: RootContext) {
  const call = ctx.call as CallContext
  return { call, krown: call.krown, origin: call.origin }
}

/** A request holds its answers together until it is over; of a WebSocket each answer is by itself. */
function holdAnswer(call: CallContext): { holder: AnswerHolder; sent: () => void } {
  if (!call.socket) return { holder: call, sent: () => {} }
  const { over, sent } = call.socket.beginAnswer()
  return { holder: { over, heldBytes: 0 }, sent }
}

/** Events over a WebSocket: within the socket's bounds, and never faster than its peer reads. */
export const streamProcedure = authedProcedure.use(async ({ ctx, next, signal }) => {
  const socket = requireSocket(ctx.call)
  const giveBack = socket.takeSubscription()
  // Also when it is stopped before anybody asked for the first event.
  signal?.addEventListener('abort', giveBack, { once: true })
  const result = await next()
  if (!result.ok) {
    giveBack()
    return result
  }
  return { ...result, data: pace(result.data as AsyncIterable<unknown>, { socket, signal, giveBack }) }
})
