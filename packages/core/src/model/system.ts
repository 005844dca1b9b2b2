import { z } from 'zod'

/** What this Krown is and what it can do; needs no sign-in. */
export interface SystemInfo {
  /** Of the package, such as `0.1.0`. */
  version: string
  /**
   * Names of what it offers, such as `sessions`; more may come. Without `adhoc_hosts` sessions go to targets of the
   * inventory only.
   */
  capabilities: string[]
  /** Ways to sign in, such as `password`; more may come. */
  loginMethods: string[]
  /** How one gets an account: by oneself, or from an admin. */
  registration: 'open' | 'invite' | 'closed'
  /** No admin exists yet. */
  setupRequired: boolean
  limits: {
    /** Length of a command at most, in UTF-8. */
    commandBytes: number
    /** Bytes of each stream that are kept for an answer at most. */
    execOutputBytes: number
    maxCommandTimeoutMs: number
    /** Items of a page at most. */
    pageLimit: number
  }
}

export const systemInfoSchema = z
  .object({
    version: z.string(),
    capabilities: z.array(z.string()),
    loginMethods: z.array(z.string()),
    registration: z.enum(['open', 'invite', 'closed']),
    setupRequired: z.boolean(),
    limits: z.object({
      commandBytes: z.number().int(),
      execOutputBytes: z.number().int(),
      maxCommandTimeoutMs: z.number().int(),
      pageLimit: z.number().int(),
    }),
  })
  .meta({ id: 'SystemInfo' }) satisfies z.ZodType<SystemInfo>
