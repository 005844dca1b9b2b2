/** One line of an ssh_config file that says something. */
export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string
  readonly args: readonly string[]
  /** `file:line`, for people. */
  readonly at: string
}

/**
 * The lines of an ssh_config file: `Keyword arguments` or `Keyword=arguments`, in double quotes where they have
 * spaces; see ssh_config(5).
 */
export function readConfigLines(text: string, file: string): ConfigLine[] {
  return text.split('\n').flatMap((line, index) => {
    const [, keyword, rest] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? []
    if (keyword === undefined || rest === undefined) return []
    return [{ keyword: keyword.toLowerCase(), args: splitArguments(rest), at: `${file}:${index + 1}` }]
  })
}

/** A `#` that begins an argument begins a comment. */
function splitArguments(text: string): string[] {
  const args: string[] = []
  for (const [whole, quoted, bare] of text.matchAll(/"((?:\\.|[^"\\])*)"?|([^\s"]+)/g)) {
    if (whole.startsWith('#')) break
    args.push(quoted === undefined ? (bare ?? '') : quoted.replace(/\\(["\\])/g, '$1'))
  }
  return args
}

/** Does a list of patterns match, as of `Host`? One that is negated and matches decides. */
export function matchesPatterns(patterns: readonly string[], text: string): boolean {
  const negated = patterns.filter((pattern) => pattern.startsWith('!'))
  if (negated.some((pattern) => matchesGlob(pattern.slice(1), text))) return false
  return patterns.some((pattern) => !pattern.startsWith('!') && matchesGlob(pattern, text))
}

/** `*` and `?`, in linear time: the last star is the only one that is ever taken back. */
export function matchesGlob(pattern: string, text: string): boolean {
  let [p, t, star, resume] = [0, 0, -1, 0]
  while (t < text.length) {
    if (pattern[p] === '*') [star, resume, p] = [p, t, p + 1]
    else if (pattern[p] === '?' || pattern[p] === text[t]) [p, t] = [p + 1, t + 1]
    else if (star >= 0) [p, t, resume] = [star + 1, resume + 1, resume + 1]
    else return false
  }
  return /^\**$/.test(pattern.slice(p))
}
