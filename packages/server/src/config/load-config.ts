import { dirname, resolve } from 'node:path'
import { configKeys, type FieldProblem, type KrownConfig, parseConfig, validationError } from '@krown/core'
import { problemsOf } from './config-problem.js'
import { readConfigFile, type TomlTree } from './read-config-file.js'
import { type Environment, type EnvironmentValue, readEnvironment } from './read-environment.js'

export interface LoadConfigOptions {
  /** The TOML file; without one there are only the environment and the defaults. */
  readonly file?: string | undefined
  readonly env: Environment
}

export interface LoadedConfig {
  readonly config: KrownConfig
  /** For each key that was given (`ssh.connect_timeout`): the file or the variable that it came from. */
  readonly sources: ReadonlyMap<string, string>
  /** What the operator should know, though nothing is refused for it. */
  readonly warnings: readonly string[]
}

/**
 * Puts the configuration together: the environment beats the file, the file beats the defaults.
 *
 * Relative paths are relative to the file that has them; those of the environment to the working directory.
 *
 * @throws KrownError VALIDATION_FAILED — `details.fields` lists every problem of the file and of the environment.
 */
export function loadConfig({ file, env }: LoadConfigOptions): LoadedConfig {
  const fromFile = file === undefined ? { tree: {}, isPublic: false } : readConfigFile(file)
  const { values, problems } = readEnvironment(env)
  const variables = new Map(values.map(({ key, name }) => [key.path, name]))
  const sources = new Map([...sourcesOfFile(fromFile.tree, file), ...variables])
  const warnings = fromFile.isPublic ? warningsOf(fromFile.tree, String(file)) : []
  const config = parseAll(values.reduce(withValue, fromFile.tree), { problems, variables })
  return { config: withAbsolutePaths(config, { file, values }), sources, warnings }
}

/** Sets one value; a table that is no table is left as it is, for the schema to refuse. */
function withValue(tree: TomlTree, { key, value }: EnvironmentValue): TomlTree {
  return setAt(tree, key.path.split('.'), value)
}

function setAt(table: TomlTree, [name = '', ...rest]: readonly string[], value: unknown): TomlTree {
  if (rest.length === 0) return { ...table, [name]: value }
  const inner = table[name] ?? {}
  return isTable(inner) ? { ...table, [name]: setAt(inner, rest, value) } : table
}

function isTable(value: unknown): value is TomlTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

function valueAt(tree: TomlTree, path: string): unknown {
  return path.split('.').reduce<unknown>((table, name) => (isTable(table) ? table[name] : undefined), tree)
}

function sourcesOfFile(tree: TomlTree, file: string | undefined): [string, string][] {
  return configKeys().flatMap(({ path }) => (valueAt(tree, path) === undefined ? [] : [[path, String(file)]]))
}

function warningsOf(tree: TomlTree, file: string): string[] {
  const secrets = configKeys().filter(({ secret, path }) => secret && isGiven(valueAt(tree, path)))
  if (secrets.length === 0) return []
  return [
    `${file} holds ${secrets.map(({ path }) => path).join(', ')} and can be read by others; run chmod 600 on it`,
  ]
}

const isGiven = (value: unknown) =>
  value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)

interface Findings {
  readonly problems: readonly FieldProblem[]
  /** Which variable a key came from. */
  readonly variables: ReadonlyMap<string, string>
}

function parseAll(tree: TomlTree, { problems, variables }: Findings): KrownConfig {
  try {
    const config = parseConfig(tree)
    if (problems.length === 0) return config
  } catch (error) {
    const found = problemsOf(error)
    if (found === undefined) throw error
    throw validationError([...problems, ...found.map((problem) => withVariable(problem, variables))], INVALID)
  }
  throw validationError(problems, INVALID)
}

const INVALID = 'the configuration is not valid'

/** A value of the environment is looked for there, not in the file. */
function withVariable({ path, message }: FieldProblem, variables: ReadonlyMap<string, string>): FieldProblem {
  const name = variables.get(path.replace(/\[\d+\]$/, ''))
  return { path, message: name === undefined ? message : `${message} (from ${name})` }
}

interface Origin {
  readonly file: string | undefined
  readonly values: readonly EnvironmentValue[]
}

function withAbsolutePaths(config: KrownConfig, { file, values }: Origin): KrownConfig {
  const besideFile = file === undefined ? process.cwd() : dirname(resolve(file))
  const fromEnvironment = new Set(values.map(({ key }) => key.path))
  const absolute = (path: string, value: string) =>
    value === '' ? '' : resolve(fromEnvironment.has(path) ? process.cwd() : besideFile, value)
  const { dataDir, server, recordings, logging } = config
  return {
    ...config,
    dataDir: absolute('data_dir', dataDir),
    server: {
      ...server,
      tlsCert: absolute('server.tls_cert', server.tlsCert),
      tlsKey: absolute('server.tls_key', server.tlsKey),
    },
    recordings: { ...recordings, dir: absolute('recordings.dir', recordings.dir) },
    logging: { ...logging, file: absolute('logging.file', logging.file) },
  }
}
