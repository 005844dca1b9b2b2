import type { z } from 'zod'
import { type FieldProblem, validationError } from '../errors/krown-error.js'
import { configKeys, tableOf, toTomlName } from './config-keys.js'
import { configSchema } from './config-schema.js'
import type { KrownConfig } from './krown-config.js'
import { nearestName } from './nearest-name.js'

type Table = Readonly<Record<string, unknown>>

/**
 * Checks a configuration and fills in the defaults.
 *
 * @param input A {@link KrownConfigInput}, or a tree with the names of the file (`connect_timeout`). Durations and
 * sizes are text with a unit. Left out is the same as undefined; null is refused.
 * @throws KrownError VALIDATION_FAILED — `details.fields` lists every problem with its path in the file
 * (`ssh.connect_timeout`); unknown keys are told with the nearest known name, values are never repeated.
 */
export function parseConfig(input: unknown): KrownConfig {
  if (!isTable(input)) throw validationError([{ path: '', message: 'must be a table' }], INVALID)
  const problems: FieldProblem[] = []
  const named = withSchemaNames(input, { table: configSchema, path: [], problems })
  const parsed = configSchema.safeParse(named)
  problems.push(...(parsed.error?.issues ?? []).map(toProblem))
  if (!parsed.success || problems.length > 0) throw validationError(problems, INVALID)
  return parsed.data
}

const INVALID = 'the configuration is not valid'

function isTable(value: unknown): value is Table {
  // A date in the file is an object without keys, and would pass for an empty table.
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

interface Place {
  readonly table: z.ZodObject
  /** Names of the file. */
  readonly path: readonly string[]
  readonly problems: FieldProblem[]
}

/** The tree with TypeScript names; what has no place in the schema is left out and told of. */
function withSchemaNames(input: Table, place: Place): Table {
  const properties = new Map(
    Object.keys(place.table.shape).flatMap((name) => [
      [name, name],
      [toTomlName(name), name],
    ]),
  )
  const named: Record<string, unknown> = {}
  for (const [written, value] of Object.entries(input)) {
    const property = properties.get(written)
    if (property === undefined) place.problems.push(unknownKey(written, place))
    else if (value === undefined) continue
    else if (property in named)
      place.problems.push({ path: pathOf(place, property), message: 'is given twice' })
    else named[property] = inside(value, property, place)
  }
  return named
}

function inside(value: unknown, property: string, place: Place): unknown {
  const table = tableOf(place.table.shape[property])
  if (table === undefined) return value
  if (isTable(value))
    return withSchemaNames(value, { ...place, table, path: [...place.path, toTomlName(property)] })
  place.problems.push({ path: pathOf(place, property), message: 'must be a table' })
  return undefined
}

function pathOf(place: Place, property: string): string {
  return [...place.path, toTomlName(property)].join('.')
}

function unknownKey(written: string, place: Place): FieldProblem {
  const siblings = Object.keys(place.table.shape).map((property) => pathOf(place, property))
  const path = [...place.path, written].join('.')
  const elsewhere = configKeys().filter((key) => key.path.split('.').at(-1) === written)
  const meant = elsewhere[0]?.path ?? nearestName(path, siblings)
  return { path, message: meant === undefined ? 'is not known' : `is not known; did you mean ${meant}?` }
}

function toProblem(issue: z.core.$ZodIssue): FieldProblem {
  const path = issue.path.reduce<string>((way, step) => {
    if (typeof step === 'number') return `${way}[${step}]`
    return way === '' ? toTomlName(String(step)) : `${way}.${toTomlName(String(step))}`
  }, '')
  return { path, message: issue.message }
}
