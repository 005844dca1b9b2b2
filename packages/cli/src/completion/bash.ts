import { type CompletionNode, descents } from './words.js'

/** For bash 3.2 and later; needs no bash-completion. */
export function bashCompletion(nodes: readonly CompletionNode[]): string {
  return `# krown for bash: source <(krown completion bash)
_krown() {
  local word path='' words='' index previous="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    # What follows is a command for the target.
    [[ $word == -- ]] && return 0
    case "$path $word" in
${descents(nodes, 'path')}
    esac
  done
  case "$path|$previous" in
${nodes.flatMap(values).join('\n')}
  esac
  case "$path" in
${nodes.map(wordsOf).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _krown krown
`
}

function values({ path, options }: CompletionNode): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map(({ short, long, values: known }) => {
      const patterns = [short, long].flatMap((name) => (name ? [`"${path}|${name}"`] : [])).join(' | ')
      // An empty answer lets the shell complete files.
      const answer = `COMPREPLY=($(compgen -W '${known.join(' ')}' -- "\${COMP_WORDS[COMP_CWORD]}"))`
      return `    ${patterns}) ${known.length > 0 ? `${answer}; ` : ''}return 0 ;;`
    })
}

function wordsOf({ path, children, options, words: own }: CompletionNode): string {
  const words = [...children.map(({ name }) => name), ...own, ...options.map(({ long }) => long)]
  return `    '${path}') words='${words.join(' ')}' ;;`
}
