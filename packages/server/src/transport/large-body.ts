import { KrownError, systemClock } from '@krown/core'
import type { FastifyRequest, RouteShorthandOptions } from 'fastify'
import type { LargeBody } from '../trpc/route-meta.js'
import { callOf } from './call.js'
import { type BodyPace, paced } from './paced-body.js'

/** A place is not to be held by whoever sends next to nothing. */
const PACE: BodyPace = { minBytes: 256 * 1024, everyMs: 5_000, clock: systemClock }

/** What a route takes whose procedure says that it takes more than others: but only of who has the right to it. */
export function bodyOptions(
  usual: number,
  large: LargeBody | undefined,
): Pick<RouteShorthandOptions, 'bodyLimit' | 'preParsing'> {
  if (large === undefined || large.max <= usual) return { bodyLimit: usual }
  return {
    bodyLimit: large.max,
    preParsing: async (request, reply, payload) => {
      if (!mayBeLarger(request, usual)) return payload
      await admit(request, large)
      // What is still to come of a body that was given up is nobody's to read.
      return paced(payload, PACE, () => reply.header('connection', 'close'))
    },
  }
}

function mayBeLarger({ headers }: FastifyRequest, usual: number): boolean {
  const announced = headers['content-length']
  return announced === undefined || Number(announced) > usual
}

/** @throws KrownError UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, UNAVAILABLE; then nothing of the body was read. */
async function admit(request: FastifyRequest, { permission }: LargeBody): Promise<void> {
  const call = callOf(request)
  if (!call?.over || !call.underWay) throw new KrownError('INTERNAL', 'a large body came outside of a call')
  const actor = await call.authenticate()
  await call.krown.requireForOrganization(actor, permission)
  call.underWay.largeBodies.begin(actor.userId, call.over)
}
