import type { ConfigDefault } from '@krown/core'
import { stringify } from 'smol-toml'

/** `name = value` as TOML. */
export function tomlLine(name: string, value: ConfigDefault): string {
  return stringify({ [name]: value }).trimEnd()
}

/** The last part of a path: `adhoc_ports` of `ssh.outbound.adhoc_ports`. */
export function lastName(path: string): string {
  return path.split('.').at(-1) ?? path
}
