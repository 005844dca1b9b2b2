import { z } from 'zod'
import { type FieldFacts, fieldFacts, sectionFacts } from './config-fields.js'
import { configSchema } from './config-schema.js'

/** One key of the configuration, with all that a document, an example or an environment needs to know of it. */
export interface ConfigKey extends FieldFacts {
  /** As in the file: `ssh.outbound.adhoc_ports`. */
  readonly path: string
  /** The environment variable that sets it: `KROWN_SSH__OUTBOUND__ADHOC_PORTS`. */
  readonly envName: string
  /** The way to it in a {@link KrownConfig}: `['ssh', 'outbound', 'adhocPorts']`. */
  readonly property: readonly string[]
}

/** One table of the file. */
export interface ConfigSection {
  /** `ssh.outbound`; empty for the keys above all tables. */
  readonly path: string
  readonly description: string
  readonly keys: readonly ConfigKey[]
}

/** `adhocPorts` in TypeScript is `adhoc_ports` in the file. */
export function toTomlName(property: string): string {
  return property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Every table with its keys, in the order of the schema; a table comes before the tables inside it. */
export function configSections(): ConfigSection[] {
  return sectionsOf(configSchema, [])
}

/** Every key, in the order of the schema. */
export function configKeys(): ConfigKey[] {
  return configSections().flatMap((section) => section.keys)
}

function sectionsOf(table: z.ZodObject, property: readonly string[]): ConfigSection[] {
  const entries = Object.entries(table.shape)
  const keys = entries.flatMap(([name, field]) => {
    const facts = fieldFacts.get(field)
    return facts === undefined ? [] : [toKey([...property, name], facts)]
  })
  const description = sectionFacts.get(table)?.description ?? ''
  const inside = entries.flatMap(([name, field]) => {
    const subtable = tableOf(field)
    return subtable === undefined ? [] : sectionsOf(subtable, [...property, name])
  })
  return [{ path: property.map(toTomlName).join('.'), description, keys }, ...inside]
}

/** The table behind a property of the schema, or undefined when it is a key. */
export function tableOf(field: unknown): z.ZodObject | undefined {
  const inner = field instanceof z.ZodPrefault ? field.unwrap() : field
  return inner instanceof z.ZodObject ? inner : undefined
}

function toKey(property: readonly string[], facts: FieldFacts): ConfigKey {
  const names = property.map(toTomlName)
  return { ...facts, property, path: names.join('.'), envName: `KROWN_${names.join('__').toUpperCase()}` }
}
