import {
  type ConfigDefault,
  type ConfigKey,
  type ConfigSection,
  configSections,
  formatDuration,
  formatSize,
  type KrownConfig,
} from '@krown/core'
import type { LoadedConfig } from './load-config.js'
import { lastName, tomlLine } from './toml-text.js'

/** Stands where a secret would; too short to be taken for one. */
export const MASK = '********'

/** The whole configuration as TOML, secrets masked; what is not a default says where it came from. */
export function renderEffectiveConfig({ config, sources }: Pick<LoadedConfig, 'config' | 'sources'>): string {
  const tables = configSections().map((section) => renderSection(section, { config, sources }))
  return `${tables.join('\n\n')}\n`
}

function renderSection(
  section: ConfigSection,
  { config, sources }: Pick<LoadedConfig, 'config' | 'sources'>,
): string {
  const lines = section.keys.map((key) => {
    const source = sources.get(key.path)
    const line = tomlLine(lastName(key.path), shown(key, config))
    return source === undefined ? line : `${line} # ${printable(source)}`
  })
  return [...(section.path === '' ? [] : [`[${section.path}]`]), ...lines].join('\n')
}

/** A file's name may hold anything; a comment ends with its line. */
function printable(source: string): string {
  return source.replaceAll(/\p{C}/gu, '?')
}

function shown(key: ConfigKey, config: KrownConfig): ConfigDefault {
  const value = givenValue(key, config)
  if (key.secret) return masked(key, value)
  if (typeof value !== 'number') return value
  if (key.kind === 'duration') return formatDuration(value)
  return key.kind === 'size' ? formatSize(value) : value
}

function givenValue(key: ConfigKey, config: KrownConfig): ConfigDefault {
  return key.property.reduce<unknown>(
    (table, name) => (table as Record<string, unknown>)[name],
    config,
  ) as ConfigDefault
}

function masked(key: ConfigKey, value: ConfigDefault): ConfigDefault {
  if (typeof value === 'string') return value === '' ? '' : key.kind === 'url' ? withoutPassword(value) : MASK
  return Array.isArray(value) ? value.map(() => MASK) : value
}

/** Query parameters that PostgreSQL clients take for a password. */
const SECRET_PARAMETERS = ['password', 'sslpassword']

function withoutPassword(text: string): string {
  const url = new URL(text)
  if (url.password !== '') url.password = MASK
  for (const name of SECRET_PARAMETERS) if (url.searchParams.has(name)) url.searchParams.set(name, MASK)
  return url.href
}
