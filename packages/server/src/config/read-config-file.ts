import { readFileSync, statSync } from 'node:fs'
import { validationError } from '@krown/core'
import { parse, TomlError } from 'smol-toml'
import { systemReason } from './config-problem.js'
import { isOpenToOthers } from './private-file.js'

export type TomlTree = Record<string, unknown>

export interface ConfigFile {
  readonly tree: TomlTree
  /** Others than the owner's group may read it. */
  readonly isPublic: boolean
}

/**
 * Reads the TOML file.
 *
 * @throws KrownError VALIDATION_FAILED — with the line and column of a syntax error, but never the line itself,
 * which may hold a secret.
 */
export function readConfigFile(file: string): ConfigFile {
  const text = textOf(file)
  try {
    return { tree: parse(text), isPublic: isOpenToOthers(statSync(file).mode, 'group') }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw invalidFile(file, `line ${error.line}, column ${error.column}: ${reason}`)
  }
}

function textOf(file: string): string {
  const bytes = readBytes(file)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalidFile(file, 'is not valid UTF-8')
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw invalidFile(file, `cannot be read: ${systemReason(error)}`)
  }
}

function invalidFile(file: string, message: string) {
  return validationError([{ path: file, message }], 'the configuration file is not valid')
}
