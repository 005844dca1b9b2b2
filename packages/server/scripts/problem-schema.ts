import { catalog, type KrownErrorCode } from '@krown/core'
import { z } from 'zod'
import type { Problem } from '../src/errors/problem.js'

const codes = Object.keys(catalog) as [KrownErrorCode, ...KrownErrorCode[]]
const kinds = [...new Set(Object.values(catalog).map(({ kind }) => kind))] as const

/** {@link Problem} as the OpenAPI document shows it. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: '`urn:krown:error:<CODE>`' }),
    title: z.string(),
    status: z.number().int().meta({ description: 'HTTP status.' }),
    detail: z.string().meta({ description: 'What happened this time; for people.' }),
    code: z.enum(codes).meta({ description: 'More may be added: treat an unknown code by its status.' }),
    kind: z.enum(kinds),
    retryable: z.boolean().meta({ description: 'The same request may succeed later, with nothing changed.' }),
    requestId: z.string(),
    retryAfterMs: z.number().optional(),
    details: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'Facts about it; `fields: [{path, message}]` when the input was not valid.' }),
  })
  .meta({ id: 'Problem', description: 'A refusal (RFC 9457).' }) satisfies z.ZodType<Problem>
