import { type FieldProblem, isKrownError } from '@krown/core'

/** What a VALIDATION_FAILED error lists; undefined for any other error. */
export function problemsOf(error: unknown): readonly FieldProblem[] | undefined {
  if (!isKrownError(error) || error.code !== 'VALIDATION_FAILED') return undefined
  const fields = error.details?.fields
  return Array.isArray(fields) ? fields : undefined
}

/** The reason a system call failed, such as `ENOENT`, without the path that the platform's message repeats. */
export function systemReason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
