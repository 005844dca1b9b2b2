import { type KrownError, validationError } from '../errors/krown-error.js'
import { compileGlob } from './glob.js'

export const MAX_SELECTOR_LENGTH = 1_024
export const MAX_SELECTOR_TERMS = 64
export const MAX_SELECTOR_DEPTH = 16

/** What a selector looks at. */
export interface SelectableTarget {
  readonly name: string
  readonly host: string
  readonly username: string
  readonly tags: readonly string[]
}

/** A selector made ready to be asked for many targets. */
export interface TargetSelector {
  matches(target: SelectableTarget): boolean
  /**
   * It matches only targets that have at least one of these, as {@link anchorsOf} names them; null when it may match
   * any: for whoever has many selectors and does not want to ask each of them.
   */
  readonly anchors: readonly string[] | null
}

type Field = 'name' | 'host' | 'username' | 'tag'

const FIELDS: ReadonlyMap<string, Field> = new Map([
  ['name', 'name'],
  ['tag', 'tag'],
  ['host', 'host'],
  ['user', 'username'],
])
/** What else can be in none of them: a term with it matches nothing, and `not` of that everything. */
const ALPHABETS: Readonly<Partial<Record<Field, { readonly glob: RegExp; readonly described: string }>>> = {
  name: { glob: /^[a-z0-9._*?-]+$/, described: 'letters, digits, "." "_" and "-" of a name' },
  tag: { glob: /^[a-z0-9._=/*?-]+$/, described: 'letters, digits and ". _ = / -" of a tag' },
  host: { glob: /^[a-z0-9.:_*?-]+$/, described: 'letters, digits and ". : _ -" of a host' },
}
const WANTED_TERM = 'a term such as web*, tag:prod, host:10.*, user:root, "not" or "("'

/**
 * Reads which targets are meant: `name:GLOB`, `tag:GLOB`, `host:GLOB`, `user:GLOB`, where a bare `GLOB` is a name and
 * `*` every target; joined by `and`, which may be left out, `or`, `not` and parentheses. `and` binds closer than `or`.
 * Case does not count.
 *
 * @param path What the text is called where it came from.
 * @throws KrownError VALIDATION_FAILED, saying where and what was expected there.
 */
export function parseTargetSelector(text: string, path = 'selector'): TargetSelector {
  if (text.length > MAX_SELECTOR_LENGTH) {
    throw validationError([{ path, message: `must be at most ${MAX_SELECTOR_LENGTH} characters` }])
  }
  return new SelectorParser(text, path).parse()
}

/** What the anchors of a selector that matches this target can be. */
export function anchorsOf({ name, host, username, tags }: SelectableTarget): string[] {
  return [
    anchor('name', name),
    anchor('host', host),
    anchor('username', username),
    ...tags.map((tag) => anchor('tag', tag)),
  ]
}

function anchor(field: Field, text: string): string {
  return `${field}:${text.toLowerCase()}`
}

interface Token {
  readonly text: string
  /** The same, in lower case. */
  readonly word: string
  /** Counted from 1. */
  readonly place: number
}

class SelectorParser {
  readonly #path: string
  readonly #tokens: readonly Token[]
  readonly #length: number
  #next = 0
  #terms = 0
  #depth = 0

  constructor(text: string, path: string) {
    this.#path = path
    this.#length = text.length
    this.#tokens = [...text.matchAll(/[()]|[^\s()]+/g)].map(([token], index, all) => ({
      text: token,
      word: token.toLowerCase(),
      place: (all[index]?.index ?? 0) + 1,
    }))
  }

  parse(): TargetSelector {
    const selector = this.#anyOf()
    if (this.#word !== undefined) throw this.#expected('"and", "or" or the end')
    return selector
  }

  get #word(): string | undefined {
    return this.#tokens[this.#next]?.word
  }

  #anyOf(): TargetSelector {
    const parts = [this.#allOf()]
    while (this.#skip('or')) parts.push(this.#allOf())
    return anyOf(parts)
  }

  #allOf(): TargetSelector {
    const parts = [this.#unary()]
    while (this.#skip('and') || this.#beginsTerm()) parts.push(this.#unary())
    return allOf(parts)
  }

  #beginsTerm(): boolean {
    return this.#word !== undefined && this.#word !== ')' && this.#word !== 'or'
  }

  #unary(): TargetSelector {
    if (this.#skip('not')) return this.#deeper(() => not(this.#unary()))
    if (this.#skip('(')) return this.#deeper(() => this.#inParentheses())
    return this.#term()
  }

  #inParentheses(): TargetSelector {
    const inner = this.#anyOf()
    if (!this.#skip(')')) throw this.#expected('")"')
    return inner
  }

  #term(): TargetSelector {
    const token = this.#tokens[this.#next]
    if (token === undefined || [')', 'and', 'or'].includes(token.word)) throw this.#expected(WANTED_TERM)
    const colon = token.text.indexOf(':')
    const field = colon < 0 ? 'name' : FIELDS.get(token.word.slice(0, colon))
    if (field === undefined) throw this.#expected('name:, tag:, host: or user:')
    const glob = token.text.slice(colon + 1)
    if (glob === '') throw this.#expected(`something after "${token.word}"`)
    const alphabet = ALPHABETS[field]
    if (alphabet && !alphabet.glob.test(glob.toLowerCase())) {
      throw this.#expected(`only ${alphabet.described}, with * and ? for others`)
    }
    this.#next += 1
    this.#terms += 1
    if (this.#terms > MAX_SELECTOR_TERMS) throw this.#problem(`has more than ${MAX_SELECTOR_TERMS} terms`)
    return term(field, glob)
  }

  #skip(word: string): boolean {
    const found = this.#word === word
    if (found) this.#next += 1
    return found
  }

  #deeper(parse: () => TargetSelector): TargetSelector {
    this.#depth += 1
    if (this.#depth > MAX_SELECTOR_DEPTH) throw this.#problem(`is nested deeper than ${MAX_SELECTOR_DEPTH}`)
    const selector = parse()
    this.#depth -= 1
    return selector
  }

  #expected(what: string): KrownError {
    const place = this.#tokens[this.#next]?.place
    const where = place === undefined ? `at its end (${this.#length})` : `at character ${place}`
    return this.#problem(`${where}: expected ${what}`)
  }

  #problem(message: string): KrownError {
    return validationError([{ path: this.#path, message }])
  }
}

function term(field: Field, glob: string): TargetSelector {
  const matchesText = compileGlob(glob)
  const anchors = /[*?]/.test(glob) ? null : [anchor(field, glob)]
  if (field === 'tag') return { anchors, matches: ({ tags }) => tags.some(matchesText) }
  return { anchors, matches: (target) => matchesText(target[field]) }
}

function not(part: TargetSelector): TargetSelector {
  return { anchors: null, matches: (target) => !part.matches(target) }
}

function anyOf(parts: readonly TargetSelector[]): TargetSelector {
  const [only, ...others] = parts
  if (only && others.length === 0) return only
  const anchors = parts.flatMap((part) => part.anchors ?? [])
  return {
    anchors: parts.every((part) => part.anchors !== null) ? anchors : null,
    matches: (target) => parts.some((part) => part.matches(target)),
  }
}

function allOf(parts: readonly TargetSelector[]): TargetSelector {
  const [only, ...others] = parts
  if (only && others.length === 0) return only
  // What wants a certain name or tag is asked first: it is quick, and most targets do not have it.
  const anchored = parts.filter((part) => part.anchors !== null)
  const inOrder = [...anchored, ...parts.filter((part) => part.anchors === null)]
  return {
    anchors: anchored[0]?.anchors ?? null,
    matches: (target) => inOrder.every((part) => part.matches(target)),
  }
}
