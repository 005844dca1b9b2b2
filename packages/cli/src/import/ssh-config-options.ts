import type { ImportRemark } from './planned-target.js'
import { ConfigFile, isPlainName } from './ssh-config-file.js'
import { type ConfigLine, matchesPatterns } from './ssh-config-lines.js'

const OPTIONS = ['hostname', 'user', 'port', 'proxyjump', 'proxycommand'] as const

/** What `ssh` would use for a host, as far as an inventory needs it. */
export type HostOptions = Partial<Record<(typeof OPTIONS)[number], string>>

interface Evaluation {
  readonly alias: string
  readonly options: HostOptions
}

/** Says what an ssh_config file comes to for a host: of each option the first value. Executes nothing. */
export class HostOptionsFinder {
  readonly remarks: ImportRemark[] = []
  readonly #file: ConfigFile
  readonly #username: string

  /** @param username Who would run ssh. */
  constructor(file: ConfigFile, username: string) {
    this.#file = file
    this.#username = username
  }

  /** Every name that a `Host` line gives without a wildcard, once. */
  aliases(): Set<string> {
    return new Set(namesIn(this.#file))
  }

  find(alias: string): HostOptions {
    const options: HostOptions = {}
    this.#apply(this.#file, { alias, options })
    return options
  }

  #apply(file: ConfigFile, evaluation: Evaluation): void {
    for (const { condition, entries } of file.sectionsFor(evaluation.alias)) {
      if (condition !== undefined && !this.#holds(condition, evaluation)) continue
      for (const entry of entries) {
        if (entry instanceof ConfigFile) this.#apply(entry, evaluation)
        else setFirst(evaluation.options, entry)
      }
    }
  }

  #holds(condition: ConfigLine, evaluation: Evaluation): boolean {
    if (condition.keyword === 'host') return matchesPatterns(condition.args, evaluation.alias)
    return this.#matches(condition, evaluation)
  }

  /** A criterion that would need more than names, `exec` first of all, leaves the block out. */
  #matches({ args, at }: ConfigLine, evaluation: Evaluation): boolean {
    const words = [...args]
    let holds = true
    while (words.length > 0) {
      const [, negation = '', word = ''] = /^(!?)(.*)$/.exec(words.shift() ?? '') ?? []
      if (word.toLowerCase() === 'all') continue
      const subject = this.#subjectOf(word.toLowerCase(), evaluation)
      if (subject === undefined) {
        this.#remark({ what: at, why: `Match ${word} is not evaluated, and its block left out` })
        return false
      }
      const matches = matchesPatterns((words.shift() ?? '').split(','), subject)
      holds &&= matches !== (negation === '!')
    }
    return holds
  }

  #subjectOf(criterion: string, { alias, options }: Evaluation): string | undefined {
    if (criterion === 'host') return hostnameOf(alias, options)
    if (criterion === 'originalhost') return alias
    if (criterion === 'user') return options.user ?? this.#username
    return criterion === 'localuser' ? this.#username : undefined
  }

  #remark(remark: ImportRemark): void {
    const isKnown = this.remarks.some(({ what, why }) => what === remark.what && why === remark.why)
    if (!isKnown) this.remarks.push(remark)
  }
}

/** Its `HostName`, of which `%h` is the name that was given. */
export function hostnameOf(alias: string, { hostname }: HostOptions): string {
  return (hostname ?? '%h').replace(/%([h%])/g, (_, token: string) => (token === 'h' ? alias : '%'))
}

function namesIn(file: ConfigFile): string[] {
  return file.sections.flatMap(({ condition, entries }) => [
    ...(condition?.keyword === 'host' ? condition.args.filter(isPlainName) : []),
    ...entries.flatMap((entry) => (entry instanceof ConfigFile ? namesIn(entry) : [])),
  ])
}

function setFirst(options: HostOptions, { keyword, args }: ConfigLine): void {
  const known = OPTIONS.find((option) => option === keyword)
  if (known !== undefined && args.length > 0) options[known] ??= args.join(' ')
}
