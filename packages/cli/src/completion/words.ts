import type { Command, Option } from 'commander'

/** One command, or the program itself, as completion sees it. */
export interface CompletionNode {
  /** Names from the program down: `sessions ls`; empty for the program. */
  readonly path: string
  readonly description: string
  readonly children: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly CompletionOption[]
  /** What its arguments can be where there are only these. */
  readonly words: readonly string[]
}

export interface CompletionOption {
  readonly short: string | undefined
  readonly long: string
  readonly description: string
  readonly takesValue: boolean
  /** The only values that there are; empty where anything goes. */
  readonly values: readonly string[]
  readonly takesFile: boolean
}

const TAKES_FILE = /<file>/

/** The program and its commands, each with the options of those above it. */
export function completionNodes(program: Command): CompletionNode[] {
  return walk(program, '', [])
}

function walk(command: Command, path: string, inherited: readonly CompletionOption[]): CompletionNode[] {
  const options = [...command.options.filter(({ hidden }) => !hidden).map(toOption), ...inherited]
  const visible = command.commands
  const node = {
    path,
    description: command.description(),
    children: visible.map((child) => ({ name: child.name(), description: child.description() })),
    options: [...options, HELP],
    words: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  }
  // The version is the program's own.
  const passedOn = options.filter(({ long }) => long !== '--version')
  return [node, ...visible.flatMap((child) => walk(child, `${path} ${child.name()}`.trim(), passedOn))]
}

function toOption({ short, long, flags, description, required, argChoices = [] }: Option): CompletionOption {
  return {
    short: short ?? undefined,
    long: long ?? flags,
    description,
    takesValue: required,
    values: argChoices,
    takesFile: TAKES_FILE.test(flags),
  }
}

const HELP: CompletionOption = {
  short: '-h',
  long: '--help',
  description: 'how it is used',
  takesValue: false,
  values: [],
  takesFile: false,
}

/** The cases of a POSIX-like shell that take a word and put the path of the command it leads to into `variable`. */
export function descents(nodes: readonly CompletionNode[], variable: string): string {
  return nodes
    .filter(({ path }) => path !== '')
    .map(({ path }) => {
      const names = path.split(' ')
      return `      "${names.slice(0, -1).join(' ')} ${names.at(-1)}") ${variable}='${path}' ;;`
    })
    .join('\n')
}
