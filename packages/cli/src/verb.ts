import type { Context } from './context.js'

/** What a command does: its arguments in order, then its options. @returns The exit code, 0 when left out. */
type Verb<Arguments extends readonly unknown[], Options> = (
  context: Context,
  args: Arguments,
  options: Options,
) => Promise<number | undefined>

/** Makes of a verb what Commander calls. */
export type Run = <Arguments extends readonly unknown[], Options>(
  verb: Verb<Arguments, Options>,
) => (...args: unknown[]) => Promise<void>
