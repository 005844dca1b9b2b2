import { type CompletionNode, type CompletionOption, descents } from './words.js'

/** One case for each command; `_arguments` does the rest. */
export function zshCompletion(nodes: readonly CompletionNode[]): string {
  return `#compdef krown
# krown for zsh: krown completion zsh > "\${fpath[1]}/_krown", or source <(krown completion zsh) after compinit
_krown() {
  local context state line word at='' index
  for ((index = 2; index < CURRENT; index++)); do
    word="\${words[index]}"
    # What follows is a command for the target.
    [[ $word == -- ]] && return 0
    case "$at $word" in
${descents(nodes, 'at')}
    esac
  done
  case "$at" in
${nodes.map(argumentsOf).join('\n')}
  esac
}
if [[ $funcstack[1] == _krown ]]; then _krown "$@"; else compdef _krown krown; fi
`
}

function argumentsOf({ path, children, options, words }: CompletionNode): string {
  const depth = path === '' ? 1 : path.split(' ').length + 1
  const rest = words.length > 0 ? quote(`*:value:(${words.join(' ')})`) : "'*: :_default'"
  const specs = options.flatMap(specsOf)
  const commands = children.map(({ name, description }) =>
    quote(`${name}:${description.replaceAll(':', '\\:')}`),
  )
  const describe = `    if (( CURRENT == ${depth + 1} )) && [[ \${words[CURRENT]} != -* ]]; then
      local -a commands=(${commands.join(' ')})
      _describe 'command' commands
      return
    fi
`
  return `    '${path}')
${commands.length > 0 ? describe : ''}    _arguments -S ${specs.join(' ')} ${rest}
    ;;`
}

function specsOf({ short, long, description, takesValue, values, takesFile }: CompletionOption): string[] {
  const text = description.replaceAll(/[[\]:]/g, '\\$&')
  const action = values.length > 0 ? `(${values.join(' ')})` : takesFile ? '_files' : ' '
  const value = takesValue ? `:value:${action}` : ''
  return [short, long].flatMap((name) => (name ? [quote(`${name}[${text}]${value}`)] : []))
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
