import { KrownError } from '@krown/core'
import { getTRPCErrorShape } from '@trpc/server'
import { toKrownError, toTrpcError } from '../errors/error-mapping.js'
import { appRouter } from '../trpc/app-router.js'
import type { CallContext } from '../trpc/context.js'
import type { KrownErrorShape, RootContext } from '../trpc/init.js'
import type { LargeBody, RouteMeta } from '../trpc/route-meta.js'

/** Calls in one batch, on either transport. */
export const MAX_TRPC_BATCH = 10

/** What one HTTP request asks of tRPC: one procedure, or several with commas between them. */
export interface TrpcRequest {
  readonly isQuery: boolean
  readonly isBatch: boolean
  readonly paths: readonly string[]
  /** Of the procedure; of a batch an object with one for each place in `paths`. */
  readonly input: unknown
  readonly call: CallContext | undefined
}

/** How one procedure ended, as tRPC sends it. */
export type TrpcOutcome = { result: { data: unknown } } | TrpcRefusal

export interface TrpcRefusal {
  error: KrownErrorShape
}

/** What tRPC keeps of a procedure, and how it is called. */
interface Procedure {
  readonly _def: { readonly type: 'query' | 'mutation' | 'subscription'; readonly meta?: RouteMeta }
  (options: {
    path: string
    type: string
    ctx: RootContext
    getRawInput: () => Promise<unknown>
    signal: AbortSignal | undefined
    batchIndex: number
  }): Promise<unknown>
}

// Flat at run time, whatever its type says: the names are `sessions.open`, …
const PROCEDURES = appRouter._def.procedures as unknown as Record<string, Procedure>

/** Those that take larger bodies than others, each by itself: not in a batch. */
export function largeProcedures(): { path: string; largeBody: LargeBody }[] {
  return Object.entries(PROCEDURES).flatMap(([path, { _def }]) =>
    _def.meta?.largeBody === undefined ? [] : [{ path, largeBody: _def.meta.largeBody }],
  )
}

/** Undefined for what is no procedure. */
export function typeOfProcedure(path: string): Procedure['_def']['type'] | undefined {
  return Object.hasOwn(PROCEDURES, path) ? PROCEDURES[path]?._def.type : undefined
}

/**
 * Does what a request asks, all at once. tRPC's own adapter would make a `Request` and a `Response` for it, which take
 * longer than everything else together.
 *
 * @throws KrownError VALIDATION_FAILED for a batch that is none; then nothing was begun.
 */
export function runTrpcCalls(
  request: TrpcRequest,
  onError: (error: KrownError) => void,
): Promise<TrpcOutcome[]> {
  requireOneKind(request)
  return Promise.all(
    request.paths.map(async (path, index) => {
      try {
        return { result: { data: await runOne(request, path, index) } }
      } catch (error) {
        onError(toKrownError(error))
        return toTrpcRefusal(error, { path, call: request.call })
      }
    }),
  )
}

function requireOneKind({ paths }: TrpcRequest): void {
  if (paths.length > MAX_TRPC_BATCH) throw new KrownError('VALIDATION_FAILED', 'too many calls in one batch')
  const types = new Set(paths.map(typeOfProcedure).filter((type) => type !== undefined))
  if (types.size > 1) throw new KrownError('VALIDATION_FAILED', 'a batch has calls of one kind only')
}

async function runOne(request: TrpcRequest, path: string, index: number): Promise<unknown> {
  const { isQuery, call } = request
  const procedure = Object.hasOwn(PROCEDURES, path) ? PROCEDURES[path] : undefined
  if (!procedure) throw new KrownError('NOT_FOUND', 'there is no such procedure')
  const { type } = procedure._def
  if (type !== (isQuery ? 'query' : 'mutation')) {
    throw new KrownError('METHOD_NOT_ALLOWED', 'this procedure cannot be called this way')
  }
  // Read when the caller is known: who is not signed in learns nothing about the input.
  const getRawInput = async () => inputOf(request, index)
  return procedure({ path, type, ctx: { call }, getRawInput, signal: call?.over, batchIndex: index })
}

function inputOf({ isBatch, input }: TrpcRequest, index: number): unknown {
  if (!isBatch || input === undefined) return input
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) {
    return (input as Record<number, unknown>)[index]
  }
  throw new KrownError('VALIDATION_FAILED', 'the input of a batch must be an object')
}

/** A refusal in tRPC's form: its clients read no other. */
export function toTrpcRefusal(
  error: unknown,
  { path, call }: { path: string; call: CallContext | undefined },
): TrpcRefusal {
  const shape = getTRPCErrorShape({
    config: appRouter._def._config,
    ctx: { call },
    error: toTrpcError(error),
    input: undefined,
    path,
    type: typeOfProcedure(path) ?? 'unknown',
  })
  return { error: shape }
}
