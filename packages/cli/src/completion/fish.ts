import type { CompletionNode, CompletionOption } from './words.js'

export function fishCompletion(nodes: readonly CompletionNode[]): string {
  return `# krown for fish: krown completion fish > ~/.config/fish/completions/krown.fish
function __krown_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        # What follows is a command for the target.
        test "$word" = '--'; and return 1
        switch "$at $word"
${nodes
  .filter(({ path }) => path !== '')
  .map(descend)
  .join('\n')}
        end
    end
    test "$at" = "$argv[1]"
end
${nodes.flatMap(linesOf).join('\n')}
`
}

function descend({ path }: CompletionNode): string {
  const names = path.split(' ')
  return `            case '${names.slice(0, -1).join(' ')} ${names.at(-1)}'
                set at '${path}'`
}

function linesOf({ path, children, options, words }: CompletionNode): string[] {
  const condition = `complete -c krown -n "__krown_at '${path}'"`
  return [
    ...children.map(({ name, description }) => `${condition} -f -a ${name} -d ${quote(description)}`),
    ...words.map((word) => `${condition} -f -a ${quote(word)}`),
    ...options.map((option) => `${condition} ${flagsOf(option)} -d ${quote(option.description)}`),
  ]
}

function flagsOf({ short, long, takesValue, values, takesFile }: CompletionOption): string {
  const names = [...(short ? [`-s ${short.slice(1)}`] : []), `-l ${long.slice(2)}`].join(' ')
  if (!takesValue) return names
  if (values.length > 0) return `${names} -x -a ${quote(values.join(' '))}`
  return `${names} ${takesFile ? '-r' : '-x'}`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
