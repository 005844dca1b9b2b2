import { z } from 'zod'

/** Where to go on: chosen by the caller, or by tRPC's client after the last event it got. */
export const resumeShape = {
  after: z.number().int().min(0).optional(),
  /** Set by the client when it resumes; it wins. */
  lastEventId: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
}

export function resumePoint(input: {
  after?: number | undefined
  lastEventId?: string | undefined
}): number | undefined {
  return input.lastEventId === undefined ? input.after : Number(input.lastEventId)
}
