import { z } from 'zod'

/** For options of calls that wait: they have no place on the wire. */
export const signalShape = { signal: z.instanceof(AbortSignal).optional() }
