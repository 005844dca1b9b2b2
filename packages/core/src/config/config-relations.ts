import type { z } from 'zod'

/** Something that two keys of one table must have to do with each other. */
export interface Relation {
  /** In TypeScript spelling; a violation is told of the first. */
  readonly keys: readonly [string, string]
  readonly message: string
  holds(first: unknown, second: unknown): boolean
}

/** The first number must not be more than the second. */
export function notMoreThan(first: string, second: string, secondName: string): Relation {
  return {
    keys: [first, second],
    message: `must not be more than ${secondName}`,
    holds: (smaller, larger) =>
      typeof smaller !== 'number' || typeof larger !== 'number' || smaller <= larger,
  }
}

/** Both texts are given, or both are empty. */
export function together(first: string, second: string, secondName: string): Relation {
  return {
    keys: [first, second],
    message: `must be given together with ${secondName}, or neither`,
    holds: (one, other) => (one === '') === (other === ''),
  }
}

/** Adds the relation so that it is checked whenever its own keys are fine, whatever else is wrong in the table. */
export function withRelation<Table extends z.ZodObject>(table: Table, relation: Relation): Table {
  const { keys, message } = relation
  return table.refine(({ [keys[0]]: first, [keys[1]]: second }) => relation.holds(first, second), {
    message,
    path: [keys[0]],
    when: ({ value, issues }) =>
      typeof value === 'object' &&
      value !== null &&
      !issues.some(({ path }) => keys.includes(String(path?.[0]))),
  })
}
