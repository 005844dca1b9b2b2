import { type ConfigKey, configKeys, type FieldProblem, nearestName } from '@krown/core'
import { readPrivateFile } from './private-file.js'

export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentValue {
  readonly key: ConfigKey
  readonly value: unknown
  /** The variable that it came from. */
  readonly name: string
}

export interface EnvironmentReading {
  readonly values: readonly EnvironmentValue[]
  readonly problems: readonly FieldProblem[]
}

/** Names that hosting platforms and other programs already use; weaker than Krown's own. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['auth.jwt_secret', 'JWT_SECRET'],
  ['database.url', 'DATABASE_URL'],
])

/** They belong to the command-line client. */
const OF_THE_CLIENT = ['KROWN_URL', 'KROWN_TOKEN']

/** What the environment says about the configuration; for one key `KROWN_…` beats `KROWN_…_FILE` beats the alias. */
export function readEnvironment(env: Environment): EnvironmentReading {
  const keys = configKeys()
  const problems = unknownVariables(env, keys)
  const values: EnvironmentValue[] = []
  for (const key of keys) {
    const found = findText(key, env)
    if (found === undefined) continue
    const result = 'problem' in found ? found : toValue(key, found.text)
    if ('problem' in result) problems.push({ path: found.name, message: result.problem })
    else values.push({ key, value: result.value, name: found.name })
  }
  return { values, problems }
}

function unknownVariables(env: Environment, keys: readonly ConfigKey[]): FieldProblem[] {
  const names = keys.map((key) => key.envName)
  const known = new Set([...names, ...names.map((name) => `${name}_FILE`), ...OF_THE_CLIENT])
  return Object.keys(env)
    .filter((name) => name.startsWith('KROWN_') && !known.has(name))
    .map((name) => {
      const meant = meantBy(name, names)
      return {
        path: name,
        message: meant === undefined ? 'is not known' : `is not known; did you mean ${meant}?`,
      }
    })
}

/** Most often the section was forgotten; else it is a slip of the keys. */
function meantBy(name: string, names: readonly string[]): string | undefined {
  const withoutSection = name.replace(/^KROWN_/, '__')
  return names.find((known) => known.endsWith(withoutSection)) ?? nearestName(name, names)
}

type Found = { readonly name: string } & ({ readonly text: string } | { readonly problem: string })

function findText(key: ConfigKey, env: Environment): Found | undefined {
  const exact = env[key.envName]
  if (exact !== undefined) return { name: key.envName, text: exact }
  const fileName = `${key.envName}_FILE`
  const file = env[fileName]
  if (file !== undefined) return { name: fileName, ...readPrivateFile(file, 'group') }
  const alias = ALIASES.get(key.path)
  const text = alias === undefined ? undefined : env[alias]
  return alias === undefined || text === undefined ? undefined : { name: alias, text }
}

type Value = { readonly value: unknown } | { readonly problem: string }

/** The value as the file would have it; what does not fit its kind is left for the schema to refuse. */
function toValue(key: ConfigKey, text: string): Value {
  // An empty secret is most often a variable that was meant to be filled in: generating one would hide that.
  if (key.secret && text === '') return { problem: 'is set but empty' }
  switch (key.kind) {
    case 'integer':
      return { value: toInteger(text) }
    case 'boolean':
      return { value: text === 'true' || text === 'false' ? text === 'true' : text }
    case 'texts':
      return toList(text, (element) => element)
    case 'integers':
      return toList(text, toInteger)
    default:
      return { value: text }
  }
}

function toInteger(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text
}

/** `a, b` or a JSON array. */
function toList(text: string, convert: (element: string) => unknown): Value {
  const json = parsedArray(text)
  if (json !== undefined) return { value: json }
  // `[::1]:22` starts like an array too, but an array of texts has a quotation mark next.
  if (/^\s*\[\s*"/.test(text)) return { problem: 'must be a JSON array, or elements separated by commas' }
  const elements = text.split(',').map((element) => element.trim())
  return { value: elements.filter((element) => element !== '').map(convert) }
}

function parsedArray(text: string): unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
