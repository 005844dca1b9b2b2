import type { z } from 'zod'
import { type FieldProblem, validationError } from '../errors/krown-error.js'

/**
 * Input checked in core, since not every caller comes through a door that did.
 *
 * @throws KrownError VALIDATION_FAILED with every field at fault, unknown ones included.
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw validationError(result.error.issues.flatMap(toProblems))
}

function toProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
  return issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'is not known' }))
}
