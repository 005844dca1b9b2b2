import { z } from 'zod'

/** What this Krown is and what it can do; needs no sign-in. */
export interface SystemInfo {
  version: string
  capabilities: string[]
  loginMethods: string[]
  /** How one gets an account: by oneself, or from an admin. */
  registration: 'open' | 'closed'
  /** No admin exists yet. */
  setupRequired: boolean
  limits: {
    commandBytes: number
    execOutputBytes: number
    maxCommandTimeoutMs: number
    pageLimit: number
  }
}

export const systemInfoSchema = z
  .object({
    version: z.string(),
    capabilities: z.array(z.string()),
    loginMethods: z.array(z.string()),
    registration: z.enum(['open', 'closed']),
    setupRequired: z.boolean(),
    limits: z.object({
      commandBytes: z.number().int(),
      execOutputBytes: z.number().int(),
      maxCommandTimeoutMs: z.number().int(),
      pageLimit: z.number().int(),
    }),
  })
  .meta({ id: 'SystemInfo' }) satisfies z.ZodType<SystemInfo>
