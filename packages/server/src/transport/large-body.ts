import type { FastifyRequest, RouteShorthandOptions } from 'fastify'
import { callOf } from './call.js'

/** What a route takes whose procedure says that it takes more than others: but only of who is signed in. */
export function bodyOptions(
  usual: number,
  maxBody: number | undefined,
): Pick<RouteShorthandOptions, 'bodyLimit' | 'preParsing'> {
  if (maxBody === undefined || maxBody <= usual) return { bodyLimit: usual }
  return {
    bodyLimit: maxBody,
    preParsing: async (request, _reply, payload) => {
      if (mayBeLarger(request, usual)) await admit(request)
      return payload
    },
  }
}

function mayBeLarger({ headers }: FastifyRequest, usual: number): boolean {
  const announced = headers['content-length']
  return announced === undefined || Number(announced) > usual
}

/** @throws KrownError UNAUTHENTICATED, RATE_LIMITED, UNAVAILABLE; then nothing of the body was read. */
async function admit(request: FastifyRequest): Promise<void> {
  const call = callOf(request)
  if (!call) return
  const { userId } = await call.authenticate()
  if (call.over) call.underWay?.largeBodies.begin(userId, call.over)
}
