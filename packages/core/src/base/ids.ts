import { v7 } from 'uuid'

/**
 * A string that only the named kind of thing may be identified by. By a name and not by a unique symbol: the copy of
 * this type in another package's declarations must be the same type.
 */
export type Branded<Name extends string> = string & { readonly __idOf: Name }

/** Makes UUIDv7 strings (RFC 9562): they sort by time of creation and hold 74 random bits. */
export type NewId = <Id extends Branded<string>>() => Id

export const newId: NewId = <Id extends Branded<string>>() => v7() as Id
