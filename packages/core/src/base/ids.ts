import { v7 } from 'uuid'

declare const brand: unique symbol

/** A string that only the named kind of thing may be identified by. */
export type Branded<Name extends string> = string & { readonly [brand]: Name }

/** Makes UUIDv7 strings (RFC 9562): they sort by time of creation and hold 74 random bits. */
export type NewId = <Id extends Branded<string>>() => Id

export const newId: NewId = <Id extends Branded<string>>() => v7() as Id
