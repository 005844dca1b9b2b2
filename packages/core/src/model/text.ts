import { z } from 'zod'

// C0, DEL, C1, line and paragraph separators, bidirectional controls: none belongs in a name.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const UNSAFE_IN_NAMES = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/

/** Text that has a UTF-8 form: no lone surrogates. */
export const wellFormedText = z.string().refine((text) => text.isWellFormed(), 'must be valid Unicode text')

/** One printable line of at most `maxLength` characters, for names that people see. */
export const nameText = (maxLength: number) =>
  wellFormedText
    .min(1)
    .max(maxLength)
    .refine((text) => !UNSAFE_IN_NAMES.test(text), 'must not contain control or direction characters')

/** Text for the body of something: everything but NUL. */
export const bodyText = wellFormedText.refine((text) => !text.includes('\0'), 'must not contain NUL')
