import { z } from 'zod'
import { type Relation, withRelation } from './config-relations.js'
import { parseDuration } from './duration.js'
import { parseSize } from './size.js'

/** What a key's value looks like in the file; `texts` and `integers` are lists, a `path` may be relative. */
export type ConfigKind =
  | 'text'
  | 'path'
  | 'integer'
  | 'boolean'
  | 'duration'
  | 'size'
  | 'choice'
  | 'url'
  | 'texts'
  | 'integers'

/** As written in the file: durations and sizes are text. */
export type ConfigDefault = string | number | boolean | readonly string[] | readonly number[]

export interface FieldFacts {
  readonly kind: ConfigKind
  readonly default: ConfigDefault
  readonly description: string
  readonly secret: boolean
  /** The allowed values of a `choice`, else undefined. */
  readonly choices?: readonly string[]
}

/** The facts of every field, so that documents and examples are made from the schema and cannot differ from it. */
export const fieldFacts = z.registry<FieldFacts>()

/** What each table of the file is for. */
export const sectionFacts = z.registry<{ readonly description: string }>()

interface FieldOptions<Default> {
  readonly default: Default
  readonly description: string
  readonly secret?: boolean
  readonly choices?: readonly string[]
}

/** A key that may be left out; the default is written as in the file and takes the same way as a given value. */
function field<Schema extends z.ZodType>(
  kind: ConfigKind,
  schema: Schema,
  options: FieldOptions<z.input<Schema> & ConfigDefault>,
): z.ZodPrefault<Schema> {
  const { description, choices, secret = false } = options
  const facts: FieldFacts = {
    kind,
    default: options.default,
    description,
    secret,
    ...(choices && { choices }),
  }
  const optional = z.prefault(schema, options.default)
  fieldFacts.add(optional, facts)
  return optional
}

interface Range {
  readonly min: number
  readonly max: number
}

const inRange = ({ min, max }: Range, value: number) => value >= min && value <= max

const plainText = z.string({ error: 'must be text' })

export const text = (options: FieldOptions<string>, schema: z.ZodType<string, string> = plainText) =>
  field('text', schema, options)

export const path = (options: FieldOptions<string>, schema: z.ZodType<string, string>) =>
  field('path', schema, options)

export const url = (options: FieldOptions<string>, schema: z.ZodType<string, string>) =>
  field('url', schema, options)

export const texts = (options: FieldOptions<string[]>, element: z.ZodType<string, string>) =>
  field('texts', z.array(element, { error: 'must be a list of texts' }), options)

export const boolean = (options: FieldOptions<boolean>) =>
  field('boolean', z.boolean({ error: 'must be true or false' }), options)

export function integer(range: Range, options: FieldOptions<number>) {
  return field('integer', wholeNumber(range), options)
}

export function integers(range: Range, options: FieldOptions<number[]>) {
  return field('integers', z.array(wholeNumber(range), { error: 'must be a list of whole numbers' }), options)
}

function wholeNumber(range: Range) {
  const message = `must be a whole number from ${range.min} to ${range.max}`
  return z.int({ error: message }).refine((value) => inRange(range, value), message)
}

export function choice<const Choice extends string>(
  choices: readonly [Choice, ...Choice[]],
  options: { readonly default: Choice; readonly description: string },
) {
  const listed = choices.map((name) => `"${name}"`).join(', ')
  return field('choice', z.enum(choices, { error: `must be one of ${listed}` }), { ...options, choices })
}

interface QuantityRange {
  /** In the same notation as the value. */
  readonly min: string
  readonly max: string
}

export const duration = (range: QuantityRange, options: FieldOptions<string>) =>
  field('duration', quantity(parseDuration, 'a duration such as "30s", "5m" or "24h"', range), options)

export const size = (range: QuantityRange, options: FieldOptions<string>) =>
  field('size', quantity(parseSize, 'a size such as "64KiB" or "1MiB"', range), options)

/** Text with a unit to a number in the base unit; a bare number is refused because its unit would be a guess. */
function quantity(parse: (text: string) => number | undefined, noun: string, range: QuantityRange) {
  const bounds = { min: parse(range.min) ?? 0, max: parse(range.max) ?? 0 }
  return z
    .string({ error: `must be ${noun}; a number without a unit is refused` })
    .transform((written, context) => {
      const value = parse(written)
      if (value !== undefined && inRange(bounds, value)) return value
      const message = value === undefined ? `must be ${noun}` : `must be from ${range.min} to ${range.max}`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
}

/** A table of the file. A table that is left out has all its defaults. */
export function section<Shape extends z.ZodRawShape>(
  description: string,
  shape: Shape,
  relations: readonly Relation[] = [],
) {
  const table = z.strictObject(shape)
  return relations.reduce(withRelation, table).register(sectionFacts, { description })
}
