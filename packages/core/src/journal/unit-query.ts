import type { CompiledQuery } from 'kysely'

/** A statement of a unit; with `mustTouch` the unit fails unless it changes, or finds, exactly so many rows. */
export type UnitQuery = CompiledQuery & { readonly mustTouch?: number }
