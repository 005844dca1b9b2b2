import { type ConfigDefault, type ConfigKey, type ConfigSection, configSections } from '@krown/core'
import { lastName, tomlLine } from './toml-text.js'

const HEADER = `# Configuration of krown-server.
#
# Every key is shown with its default; remove the "# " in front of a line to change it. What has none is changed.
# Durations are "30s", "5m", "24h", "30d"; sizes are "64KiB", "1MiB", "1GiB".
# KROWN_<SECTION>__<KEY> in the environment sets any key, and KROWN_<SECTION>__<KEY>_FILE reads it from a file.`

/** What a new server begins with that is not the default: in production the inventory is the only way to a host. */
const CHANGED: ReadonlyMap<string, ConfigDefault> = new Map([['ssh.allow_adhoc_hosts', false]])

/** A configuration file that says all there is to say, and changes little: for `init`. */
export function renderCommentedConfig(): string {
  return `${[HEADER, ...configSections().map(renderSection)].join('\n\n')}\n`
}

function renderSection({ path, description, keys }: ConfigSection): string {
  const heading = path === '' ? [] : [`# ${description}\n[${path}]`]
  return [...heading, ...keys.map(renderKey)].join('\n\n')
}

function renderKey({ path, description, choices, default: value }: ConfigKey): string {
  const explained = choices?.every((name) => description.includes(`\`${name}\``)) ?? true
  const listed = explained ? '' : ` One of ${choices?.join(', ')}.`
  const name = lastName(path)
  const changed = CHANGED.get(path)
  if (changed === undefined) return `# ${description}${listed}\n# ${tomlLine(name, value)}`
  return `# ${description}${listed} The default is ${value}.\n${tomlLine(name, changed)}`
}
