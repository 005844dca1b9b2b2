import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ACCESS_VERBS, type AccessSubject } from '../model/access-rule.js'
import type { ApiTokenId, UserId } from '../model/ids.js'
import { type AccessQuestion, type DecidingRule, RuleBook } from './decide-rule.js'
import { parseTargetSelector, type SelectableTarget } from './target-selector.js'

const alice = 'alice' as UserId
const token = 'token' as ApiTokenId
const web1: SelectableTarget = { name: 'web1', host: 'web1.example.com', username: 'root', tags: ['prod'] }
const db1: SelectableTarget = { name: 'db1', host: 'db1.example.com', username: 'root', tags: ['db', 'prod'] }

interface Given extends Partial<Omit<DecidingRule, 'selector'>> {
  selector?: string
}

const rule = ({ selector = '*', ...given }: Given = {}): DecidingRule => ({
  subject: { kind: 'role', role: 'operator' },
  verbs: ['exec'],
  remoteUsernames: null,
  expiresAt: null,
  ...given,
  selector: parseTargetSelector(selector),
})

const question = (given: Partial<AccessQuestion> = {}): AccessQuestion => ({
  subjects: [
    { kind: 'user', userId: alice },
    { kind: 'role', role: 'operator' },
  ],
  target: web1,
  verbs: ['exec'],
  remoteUsername: 'root',
  at: 1_000,
  ...given,
})

const decides = (one: DecidingRule, asked: Partial<AccessQuestion> = {}) =>
  new RuleBook([one]).find(question(asked)) === one

test('what no rule allows is not allowed', () => {
  expect(new RuleBook([]).find(question())).toBeUndefined()
})

test('a rule is for its user, for its role or for its token, and for nobody else', () => {
  expect(decides(rule({ subject: { kind: 'user', userId: alice } }))).toBe(true)
  expect(decides(rule({ subject: { kind: 'user', userId: 'bob' as UserId } }))).toBe(false)
  expect(decides(rule())).toBe(true)
  expect(decides(rule({ subject: { kind: 'role', role: 'readonly' } }))).toBe(false)
  const forToken = rule({ subject: { kind: 'api_token', tokenId: token } })
  expect(decides(forToken)).toBe(false)
  expect(decides(forToken, { subjects: [{ kind: 'api_token', tokenId: token }] })).toBe(true)
})

test('an id of one kind is not taken for that of another', () => {
  const user = rule({ subject: { kind: 'user', userId: 'x' as UserId } })
  const subjects = [{ kind: 'api_token', tokenId: 'x' as ApiTokenId }] as const
  expect(decides(user, { subjects })).toBe(false)
  expect(new RuleBook([user]).names(subjects[0])).toBe(false)
})

test('a rule names its subject also when it has expired, and whatever it allows', () => {
  const subject = { kind: 'api_token', tokenId: token } as const
  const book = new RuleBook([rule({ subject, selector: 'nothing', expiresAt: 1 })])
  expect(book.names(subject)).toBe(true)
  expect(book.names({ kind: 'api_token', tokenId: 'other' as ApiTokenId })).toBe(false)
  expect(new RuleBook([]).names(subject)).toBe(false)
})

test('a rule allows its verbs, its user names and its targets', () => {
  const one = rule({
    selector: 'tag:prod and not tag:db',
    verbs: ['exec', 'watch'],
    remoteUsernames: ['app'],
  })
  expect(decides(one, { remoteUsername: 'app' })).toBe(true)
  expect(decides(one, { remoteUsername: 'APP' })).toBe(false)
  expect(decides(one, { remoteUsername: 'root' })).toBe(false)
  expect(decides(one, { remoteUsername: 'app', verbs: ['shell'] })).toBe(false)
  expect(decides(one, { remoteUsername: 'app', verbs: ['shell', 'watch'] })).toBe(true)
  expect(decides(one, { remoteUsername: 'app', target: db1 })).toBe(false)
})

test('without a verb or a user name, whatever the rule allows counts', () => {
  const one = rule({ verbs: ['watch'], remoteUsernames: ['app'] })
  expect(decides(one, { verbs: undefined, remoteUsername: undefined })).toBe(true)
})

test('a rule ends at the millisecond at which it expires', () => {
  const one = rule({ expiresAt: 1_000 })
  expect(decides(one, { at: 999 })).toBe(true)
  expect(decides(one, { at: 1_000 })).toBe(false)
})

test('of several rules that allow it the first decides', () => {
  const rules = [
    rule({ selector: 'tag:db' }),
    rule({ subject: { kind: 'user', userId: alice }, selector: 'web*' }),
    rule({ selector: 'tag:prod' }),
    rule({ selector: '*' }),
  ]
  expect(new RuleBook(rules).find(question())).toBe(rules[1])
  expect(new RuleBook(rules.toReversed()).find(question())).toBe(rules[3])
})

const SELECTORS = [
  '*',
  'a',
  'b*',
  'tag:x',
  'tag:x or a',
  'tag:x tag:y',
  'not tag:x',
  'host:h',
  'user:u',
  'b or *y',
]
const SUBJECTS: AccessSubject[] = [
  { kind: 'user', userId: alice },
  { kind: 'user', userId: 'bob' as UserId },
  { kind: 'role', role: 'operator' },
  { kind: 'role', role: 'readonly' },
  { kind: 'api_token', tokenId: token },
]

const rules = fc.array(
  fc
    .record({
      subject: fc.constantFrom(...SUBJECTS),
      selector: fc.constantFrom(...SELECTORS),
      verbs: fc.uniqueArray(fc.constantFrom(...ACCESS_VERBS), { minLength: 1 }),
      remoteUsernames: fc.option(fc.constantFrom(['u'], ['u', 'v'])),
      expiresAt: fc.option(fc.constantFrom(500, 1_500)),
    })
    .map(rule),
  { maxLength: 12 },
)

const questions = fc.record<AccessQuestion>({
  subjects: fc.subarray(SUBJECTS),
  target: fc.record({
    name: fc.constantFrom('a', 'b1', 'zy'),
    host: fc.constantFrom('h', 'i'),
    username: fc.constantFrom('u', 'v'),
    tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
  }),
  verbs: fc.option(fc.uniqueArray(fc.constantFrom(...ACCESS_VERBS), { minLength: 1, maxLength: 2 }), {
    nil: undefined,
  }),
  remoteUsername: fc.option(fc.constantFrom('u', 'v', 'w'), { nil: undefined }),
  at: fc.constant(1_000),
})

const isFor = ({ subject }: DecidingRule, { subjects }: AccessQuestion) => subjects.includes(subject)

test('however rules are filed, the first of all that allow it is found', () => {
  fc.assert(
    fc.property(rules, questions, (all, asked) => {
      const expected = all.find(
        (one) =>
          isFor(one, asked) &&
          (one.expiresAt === null || one.expiresAt > asked.at) &&
          (asked.verbs === undefined || asked.verbs.some((verb) => one.verbs.includes(verb))) &&
          (asked.remoteUsername === undefined ||
            one.remoteUsernames === null ||
            one.remoteUsernames.includes(asked.remoteUsername)) &&
          one.selector.matches(asked.target),
      )
      expect(new RuleBook(all).find(asked)).toBe(expected)
    }),
    { numRuns: 3_000 },
  )
})
