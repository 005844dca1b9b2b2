import type { FieldProblem } from '@krown/core'
import { z } from 'zod'

/** More than these help nobody, and the caller chose how many there are. */
const MAX_PROBLEMS = 50
const MAX_PATH_LENGTH = 100

/** True for an error of any copy of zod. */
export function isZodError(error: unknown): error is z.ZodError {
  return error instanceof z.ZodError || (error instanceof Error && error.name === 'ZodError')
}

/** What is wrong with which field. Names fields, as the caller wrote them, and never repeats a value. */
export function toFieldProblems(issues: readonly z.core.$ZodIssue[]): FieldProblem[] {
  return issues.flatMap(problemsOf).slice(0, MAX_PROBLEMS)
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: 'is not known' }))
  }
  return [{ path: pathOf(issue.path), message: issue.message }]
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.').slice(0, MAX_PATH_LENGTH)
}
