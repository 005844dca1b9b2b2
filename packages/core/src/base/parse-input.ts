import type { z } from 'zod'
import { type FieldProblem, validationError } from '../errors/krown-error.js'

/**
 * Input checked in core, since not every caller comes through a door that did.
 *
 * @param name What doors with named fields call it; left out for a whole input.
 * @throws KrownError VALIDATION_FAILED with every field at fault, unknown ones included.
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, name?: string): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const above = name === undefined ? [] : [name]
  throw validationError(result.error.issues.flatMap((issue) => toProblems(issue, [...above, ...issue.path])))
}

function toProblems(issue: z.core.$ZodIssue, path: PropertyKey[]): FieldProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }]
  return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not known' }))
}
