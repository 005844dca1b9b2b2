import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isKrownError } from '../errors/krown-error.js'
import {
  anchorsOf,
  MAX_SELECTOR_DEPTH,
  MAX_SELECTOR_LENGTH,
  MAX_SELECTOR_TERMS,
  parseTargetSelector,
  type SelectableTarget,
} from './target-selector.js'

const web1 = { name: 'web1', host: 'web1.example.com', username: 'deploy', tags: ['env=prod', 'prod'] }
const web2 = { name: 'web2', host: '2001:db8::2', username: 'root', tags: ['staging'] }
const db1 = { name: 'db1', host: '10.0.0.5', username: 'Postgres', tags: ['db', 'prod'] }
const notes = { name: 'not', host: '10.0.1.6', username: 'root', tags: [] }
const ALL = [web1, web2, db1, notes]

const named = (selector: string) =>
  ALL.filter((target) => parseTargetSelector(selector).matches(target)).map(({ name }) => name)

test.each([
  ['*', ['web1', 'web2', 'db1', 'not']],
  ['web1', ['web1']],
  ['WEB1', ['web1']],
  ['name:web*', ['web1', 'web2']],
  ['NAME:web*', ['web1', 'web2']],
  ['web* tag:prod', ['web1']],
  ['web* and tag:prod', ['web1']],
  ['web* AND tag:PROD', ['web1']],
  ['name:web* tag:prod and not tag:db', ['web1']],
  ['tag:prod not tag:db', ['web1']],
  ['tag:env=*', ['web1']],
  ['host:10.0.*', ['db1', 'not']],
  ['host:2001:db8::2', ['web2']],
  ['user:root', ['web2', 'not']],
  ['user:postgres', ['db1']],
  ['web1 or db1', ['web1', 'db1']],
  ['web1 db1', []],
  ['web2 or tag:prod tag:db', ['web2', 'db1']],
  ['(web2 or tag:prod) tag:db', ['db1']],
  ['not web1', ['web2', 'db1', 'not']],
  ['not not web1', ['web1']],
  ['not (web1 or db1)', ['web2', 'not']],
  ['not web1 not db1', ['web2', 'not']],
  ['name:not', ['not']],
  ['not name:not', ['web1', 'web2', 'db1']],
  ['((web1))', ['web1']],
  ['(web1)or(db1)', ['web1', 'db1']],
  ['  web1  ', ['web1']],
  ['web?', ['web1', 'web2']],
  ['*1', ['web1', 'db1']],
  ['tag:*', ['web1', 'web2', 'db1']],
  ['not tag:*', ['not']],
])('%s means %j', (selector, expected) => {
  expect(named(selector)).toEqual(expected)
})

/** Why it is refused. */
function problemOf(selector: string): string {
  try {
    parseTargetSelector(selector)
  } catch (error) {
    if (!isKrownError(error)) throw error
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: 'selector' }] } })
    const fields = error.details?.fields as { message: string }[]
    return fields.map(({ message }) => message).join()
  }
  throw new Error(`${selector} is no problem`)
}

describe('what is no selector is refused with the place and what was expected', () => {
  const term = 'a term such as web*, tag:prod, host:10.*, user:root, "not" or "("'
  test.each([
    ['', `at its end (0): expected ${term}`],
    ['web1 or', `at its end (7): expected ${term}`],
    ['web1 or and', `at character 9: expected ${term}`],
    ['and web1', `at character 1: expected ${term}`],
    ['web1 not', `at its end (8): expected ${term}`],
    ['web1 and or db1', `at character 10: expected ${term}`],
    ['()', `at character 2: expected ${term}`],
    ['(web1', 'at its end (5): expected ")"'],
    ['web1)', 'at character 5: expected "and", "or" or the end'],
    ['env:prod', 'at character 1: expected name:, tag:, host: or user:'],
    ['web1 constructor:x', 'at character 6: expected name:, tag:, host: or user:'],
    [':prod', 'at character 1: expected name:, tag:, host: or user:'],
    ['web1 Tag:', 'at character 6: expected something after "tag:"'],
  ])('%s', (selector, expected) => {
    expect(problemOf(selector)).toBe(expected)
  })
})

test.each([
  'tag:prod not tag:db,cache',
  'not tag:db;',
  '* not tag:"db"',
  'tag:prod not tags=db',
  'not tag:d\u0411',
  'not tag:db\u200b',
  'host:a/b',
])('what no target can have is refused in %j: "not" of it would be everything', (text) => {
  expect(() => parseTargetSelector(text)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }))
})

test('length, terms and depth of a selector are bounded', () => {
  parseTargetSelector('a'.repeat(MAX_SELECTOR_LENGTH))
  expect(problemOf('a'.repeat(MAX_SELECTOR_LENGTH + 1))).toBe('must be at most 1024 characters')
  parseTargetSelector('a '.repeat(MAX_SELECTOR_TERMS))
  expect(problemOf('a '.repeat(MAX_SELECTOR_TERMS + 1))).toBe('has more than 64 terms')
  const nested = (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`
  parseTargetSelector(nested(MAX_SELECTOR_DEPTH))
  expect(problemOf(nested(MAX_SELECTOR_DEPTH + 1))).toBe('is nested deeper than 16')
  expect(problemOf(`${'not '.repeat(MAX_SELECTOR_DEPTH + 1)}a`)).toBe('is nested deeper than 16')
})

type Tree =
  | { kind: 'term'; field: 'name' | 'tag' | 'host' | 'user'; glob: string }
  | { kind: 'not'; of: Tree }
  | { kind: 'and'; of: Tree[] }
  | { kind: 'or'; of: Tree[] }

const word = fc.string({ unit: fc.constantFrom('a', 'B', '1'), minLength: 1, maxLength: 3 })
const glob = fc.string({ unit: fc.constantFrom('a', 'b', '1', '*', '?'), minLength: 1, maxLength: 4 })
const field = fc.constantFrom('name' as const, 'tag' as const, 'host' as const, 'user' as const)

const { tree } = fc.letrec<{ tree: Tree; term: Tree }>((tie) => ({
  term: fc.record({ kind: fc.constant('term' as const), field, glob: fc.oneof(word, glob) }),
  tree: fc.oneof(
    { maxDepth: 3 },
    tie('term'),
    fc.record({ kind: fc.constant('not' as const), of: tie('tree') }),
    fc.record({
      kind: fc.constant('and' as const),
      of: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('or' as const),
      of: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    }),
  ),
}))

const facts: fc.Arbitrary<SelectableTarget> = fc.record({
  name: word,
  host: word,
  username: word,
  tags: fc.array(word, { maxLength: 3 }),
})

function print(node: Tree): string {
  if (node.kind === 'term') return node.field === 'name' ? node.glob : `${node.field}:${node.glob}`
  if (node.kind === 'not') return `not (${print(node.of)})`
  return node.of.map((one) => `(${print(one)})`).join(node.kind === 'or' ? ' or ' : ' ')
}

function holds(node: Tree, target: SelectableTarget): boolean {
  if (node.kind === 'not') return !holds(node.of, target)
  if (node.kind === 'and') return node.of.every((one) => holds(one, target))
  if (node.kind === 'or') return node.of.some((one) => holds(one, target))
  const texts = node.field === 'tag' ? target.tags : [target[node.field === 'user' ? 'username' : node.field]]
  const pattern = new RegExp(`^${node.glob.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i')
  return texts.some((text) => pattern.test(text))
}

test('a selector matches what its parts say, and nothing without one of its anchors', () => {
  fc.assert(
    fc.property(tree, facts, (node, target) => {
      const selector = parseTargetSelector(print(node))
      expect(selector.matches(target)).toBe(holds(node, target))
      if (!selector.anchors || !selector.matches(target)) return
      expect(anchorsOf(target).some((anchor) => selector.anchors?.includes(anchor))).toBe(true)
    }),
    { numRuns: 3_000 },
  )
})

test('whatever the text, it is read or refused as not valid', () => {
  const piece = fc.constantFrom(
    'and',
    'or',
    'not',
    '(',
    ')',
    'a',
    'tag:',
    ':',
    '*',
    ' ',
    '\t',
    'name:b',
    '\0',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 200 }).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(text, (selector) => {
      try {
        expect(parseTargetSelector(selector).matches(web1)).toBeTypeOf('boolean')
      } catch (error) {
        if (!isKrownError(error) || error.code !== 'VALIDATION_FAILED') throw error
      }
    }),
    { numRuns: 3_000 },
  )
})
