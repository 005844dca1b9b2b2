import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { usageError } from '../cli-error.js'
import type { ImportRemark } from './planned-target.js'
import { type ConfigLine, matchesGlob, readConfigLines } from './ssh-config-lines.js'

/** What holds for the hosts of one `Host` or `Match` line; what stands before the first of them is for everybody. */
export interface Section {
  /** The line; undefined at the top of a file. */
  readonly condition: ConfigLine | undefined
  /** Options, and the files that are included among them. */
  readonly entries: readonly (ConfigLine | ConfigFile)[]
}

/** A file with its sections, found by host without asking each of them. */
export class ConfigFile {
  readonly sections: readonly Section[]
  readonly #byName = new Map<string, number[]>()
  /** Those that a name alone does not decide. */
  readonly #general: number[] = []

  constructor(sections: readonly Section[]) {
    this.sections = sections
    for (const [index, section] of sections.entries()) this.#enter(index, section)
  }

  /** In their order, all that may be for this host. */
  sectionsFor(alias: string): Section[] {
    const indices = [...this.#general, ...(this.#byName.get(alias) ?? [])].sort((a, b) => a - b)
    return indices.flatMap((index) => this.sections[index] ?? [])
  }

  #enter(index: number, { condition }: Section): void {
    const isPlain = condition?.keyword === 'host' && condition.args.every(isPlainName)
    if (!isPlain) this.#general.push(index)
    else
      for (const name of new Set(condition.args))
        this.#byName.set(name, [...(this.#byName.get(name) ?? []), index])
  }
}

export const isPlainName = (pattern: string): boolean => !/[*?!]/.test(pattern)

const MAX_DEPTH = 16
const MAX_FILES = 1_000

/** Reads an ssh_config file and what it includes; what cannot be read is remarked, but for the file itself. */
export class ConfigReader {
  readonly remarks: ImportRemark[] = []
  readonly #home: string
  /** Where relative names of included files begin, however deep they are: that is how ssh does it. */
  readonly #base: string
  #files = 0

  constructor(file: string, home: string) {
    this.#home = home
    this.#base = dirname(resolve(file))
  }

  /** @throws CliError when it cannot be read. */
  read(file: string): ConfigFile {
    try {
      return this.#parse(readFileSync(file, 'utf8'), [file])
    } catch (error) {
      throw usageError(`${file} cannot be read: ${reasonOf(error)}`, 'name another file')
    }
  }

  /** @param way The file, after those that lead to it. */
  #parse(text: string, way: readonly string[]): ConfigFile {
    let entries: (ConfigLine | ConfigFile)[] = []
    const sections: Section[] = [{ condition: undefined, entries }]
    for (const line of readConfigLines(text, way.at(-1) ?? '')) {
      if (line.keyword === 'host' || line.keyword === 'match') {
        entries = []
        sections.push({ condition: line, entries })
      } else if (line.keyword === 'include') {
        entries.push(...line.args.flatMap((pattern) => this.#include(pattern, line, way)))
      } else entries.push(line)
    }
    return new ConfigFile(sections)
  }

  #include(pattern: string, { at }: ConfigLine, way: readonly string[]): ConfigFile[] {
    if (way.length > MAX_DEPTH) {
      this.remarks.push({ what: at, why: `Include ${pattern} is more than ${MAX_DEPTH} files deep` })
      return []
    }
    return this.#filesOf(pattern).flatMap((file) => {
      const loop = loopTo(file, way)
      if (loop === undefined) return this.#readIncluded(file, way)
      this.remarks.push({ what: at, why: `Include ${pattern} leads in a circle: ${loop}` })
      return []
    })
  }

  #readIncluded(file: string, way: readonly string[]): ConfigFile[] {
    this.#files += 1
    if (this.#files > MAX_FILES) throw usageError(`Include leads to more than ${MAX_FILES} files`)
    try {
      return [this.#parse(readFileSync(file, 'utf8'), [...way, file])]
    } catch (error) {
      if (error instanceof Error && 'exitCode' in error) throw error
      this.remarks.push({ what: file, why: `cannot be read: ${reasonOf(error)}` })
      return []
    }
  }

  /** Without a wildcard the file itself, so that a missing one is told; as ssh, files with a dot only by name. */
  #filesOf(pattern: string): string[] {
    const path = resolve(this.#base, pattern.replace(/^~(?=\/)/, this.#home))
    if (isPlainName(path)) return [path]
    const { root } = parse(path)
    const steps = path.slice(root.length).split(sep)
    return steps.reduce((found, step) => found.flatMap((folder) => entriesOf(folder, step)), [root])
  }
}

/** `config → conf.d/web → config`, where one comes back to what one came from. */
function loopTo(file: string, way: readonly string[]): string | undefined {
  const from = way.findIndex((before) => resolve(before) === file)
  return from < 0 ? undefined : [...way.slice(from), file].join(' → ')
}

function entriesOf(folder: string, pattern: string): string[] {
  if (isPlainName(pattern)) return [join(folder, pattern)]
  try {
    const names = readdirSync(folder).filter((name) => !name.startsWith('.') && matchesGlob(pattern, name))
    return names.sort().map((name) => join(folder, name))
  } catch {
    return []
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
